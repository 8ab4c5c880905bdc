package onhand.connect;

import io.apicurio.registry.utils.converter.avro.AvroData;
import io.apicurio.registry.utils.converter.avro.AvroDataConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes records as the registry's own Avro converter does, byte for byte, and takes a fraction of its time.
 *
 * <p>For each record that one looks up the schema by its content, checks every value against it, makes an Avro record of it all and
 * writes that: more than everything else that the connector's task does. The connector hands out one Connect schema for as long as a
 * table keeps its columns, so the object itself says which it is, and values can be written as soon as one knows how.
 *
 * <p>The other converter stays the one that decides. It is asked for the first record of each schema and topic, and again after
 * {@code apicurio.registry.check-period-ms}, so a registry that lost its content gets it anew; its answer must then be what this one
 * writes. A schema for which it is not, or that has something in it that is not known here, is left to it from then on.
 */
public final class AvroConverter implements Converter {
    private static final Logger LOGGER = LoggerFactory.getLogger(AvroConverter.class);
    private static final String CHECK_PERIOD = "apicurio.registry.check-period-ms";
    /** Of the registry's client. */
    private static final long CHECK_PERIOD_MILLIS = 30_000;
    /** A zero and the id of the schema, in four bytes. */
    private static final int HEADER_BYTES = 5;
    /** Of one topic, far more than live at once: a bound for a connector that would hand out a new object each time. */
    private static final int MAX_SCHEMAS = 100;
    private static final int FIRST_BYTES = 1024;

    private final Converter general = new io.apicurio.registry.utils.converter.AvroConverter<Object>();
    private final Map<String, Map<Schema, Known>> topics = new HashMap<>();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(FIRST_BYTES);
    private BinaryEncoder encoder;
    private AvroData avroData;
    private long checkPeriodNanos;

    /** How records of one schema begin and are written; without a writer the other converter does it. */
    private record Known(byte[] header, ValueWriter writer, long at) {}

    @Override
    public void configure(Map<String, ?> configs, boolean isKey) {
        general.configure(configs, isKey);
        avroData = new AvroData(new AvroDataConfig(configs));
        Object period = configs.get(CHECK_PERIOD);
        long millis = period == null ? CHECK_PERIOD_MILLIS : Long.parseLong(period.toString());
        checkPeriodNanos = millis * 1_000_000;
    }

    @Override
    public byte[] fromConnectData(String topic, Schema schema, Object value) {
        return fromConnectData(topic, null, schema, value);
    }

    @Override
    public synchronized byte[] fromConnectData(String topic, Headers headers, Schema schema, Object value) {
        if (schema == null || value == null) {
            return byTheOther(topic, headers, schema, value);
        }
        Map<Schema, Known> schemas = topics.computeIfAbsent(topic, name -> new IdentityHashMap<>());
        Known known = schemas.get(schema);
        long now = System.nanoTime();
        if (known != null && now - known.at() < checkPeriodNanos) {
            byte[] written = write(known.header(), known.writer(), value);
            // What cannot be written, the other may, or it says why not.
            return written != null ? written : byTheOther(topic, headers, schema, value);
        }
        byte[] answer = byTheOther(topic, headers, schema, value);
        if (answer != null) {
            if (schemas.size() >= MAX_SCHEMAS) {
                schemas.clear();
            }
            schemas.put(schema, learn(topic, known, schema, value, answer, now));
        }
        return answer;
    }

    private byte[] byTheOther(String topic, Headers headers, Schema schema, Object value) {
        return headers == null ? general.fromConnectData(topic, schema, value) : general.fromConnectData(topic, headers, schema, value);
    }

    private Known learn(String topic, Known before, Schema schema, Object value, byte[] answer, long now) {
        byte[] header = Arrays.copyOf(answer, HEADER_BYTES);
        boolean given = before != null && before.writer() == null;
        ValueWriter writer = given ? null : before != null ? before.writer() : ValueWriter.of(schema, avroData.fromConnectSchema(schema));
        if (writer != null && Arrays.equals(write(header, writer, value), answer)) {
            return new Known(header, writer, now);
        }
        if (!given) {
            LOGGER.info("Records of {} are left to the converter of the registry, which takes longer: they are not known to be written alike", topic);
        }
        return new Known(header, null, now);
    }

    /** None if it cannot be written. */
    private byte[] write(byte[] header, ValueWriter writer, Object value) {
        if (writer == null) {
            return null;
        }
        bytes.reset();
        bytes.write(header, 0, header.length);
        encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
        try {
            writer.write(value, encoder);
            encoder.flush();
        } catch (IOException | RuntimeException unwritable) {
            LOGGER.debug("a value is not what its schema says", unwritable);
            // What it still holds belongs to no record.
            encoder = null;
            return null;
        }
        return bytes.toByteArray();
    }

    @Override
    public SchemaAndValue toConnectData(String topic, byte[] value) {
        return general.toConnectData(topic, value);
    }

    @Override
    public SchemaAndValue toConnectData(String topic, Headers headers, byte[] value) {
        return general.toConnectData(topic, headers, value);
    }
}
