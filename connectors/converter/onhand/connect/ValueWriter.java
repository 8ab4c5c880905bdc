package onhand.connect;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.List;
import org.apache.avro.io.Encoder;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.errors.DataException;

/** Writes a value of one Connect schema as Avro. */
interface ValueWriter {
    void write(Object value, Encoder out) throws IOException;

    /** For values of a Connect schema that become this Avro schema; none if there is something in it that is not known here. */
    static ValueWriter of(Schema schema, org.apache.avro.Schema avro) {
        if (avro.getType() != org.apache.avro.Schema.Type.UNION) {
            return schema.isOptional() ? null : present(schema, avro);
        }
        List<org.apache.avro.Schema> types = avro.getTypes();
        int absent = types.get(0).getType() == org.apache.avro.Schema.Type.NULL ? 0 : 1;
        if (types.size() != 2 || types.get(absent).getType() != org.apache.avro.Schema.Type.NULL) {
            return null;
        }
        ValueWriter inner = present(schema, types.get(1 - absent));
        return inner == null ? null : (value, out) -> {
            if (value == null) {
                out.writeIndex(absent);
                out.writeNull();
            } else {
                out.writeIndex(1 - absent);
                inner.write(value, out);
            }
        };
    }

    private static ValueWriter present(Schema schema, org.apache.avro.Schema avro) {
        boolean decimal = Decimal.LOGICAL_NAME.equals(schema.name());
        // Connect's other types of its own hold dates as objects; the connector is told to hold them as numbers.
        if (!decimal && schema.name() != null && schema.name().startsWith("org.apache.kafka.connect.data.")) {
            return null;
        }
        return switch (schema.type()) {
            case INT8, INT16, INT32 -> when(avro, org.apache.avro.Schema.Type.INT, (value, out) -> out.writeInt(((Number) value).intValue()));
            case INT64 -> when(avro, org.apache.avro.Schema.Type.LONG, (value, out) -> out.writeLong((Long) value));
            case FLOAT32 -> when(avro, org.apache.avro.Schema.Type.FLOAT, (value, out) -> out.writeFloat((Float) value));
            case FLOAT64 -> when(avro, org.apache.avro.Schema.Type.DOUBLE, (value, out) -> out.writeDouble((Double) value));
            case BOOLEAN -> when(avro, org.apache.avro.Schema.Type.BOOLEAN, (value, out) -> out.writeBoolean((Boolean) value));
            case STRING -> when(avro, org.apache.avro.Schema.Type.STRING, (value, out) -> out.writeString((String) value));
            case BYTES -> when(avro, org.apache.avro.Schema.Type.BYTES, decimal
                ? (value, out) -> out.writeBytes(Decimal.fromLogical(schema, (BigDecimal) value))
                : ValueWriter::bytes);
            case ARRAY -> avro.getType() == org.apache.avro.Schema.Type.ARRAY ? array(schema, avro) : null;
            case STRUCT -> avro.getType() == org.apache.avro.Schema.Type.RECORD ? struct(schema, avro) : null;
            case MAP -> null;
        };
    }

    private static ValueWriter when(org.apache.avro.Schema avro, org.apache.avro.Schema.Type type, ValueWriter writer) {
        return avro.getType() == type ? writer : null;
    }

    private static void bytes(Object value, Encoder out) throws IOException {
        if (value instanceof byte[] bytes) {
            out.writeBytes(bytes);
        } else {
            // Writing moves its position, and it is not ours.
            out.writeBytes(((ByteBuffer) value).duplicate());
        }
    }

    private static ValueWriter array(Schema schema, org.apache.avro.Schema avro) {
        ValueWriter element = of(schema.valueSchema(), avro.getElementType());
        return element == null ? null : (value, out) -> {
            Collection<?> values = (Collection<?>) value;
            out.writeArrayStart();
            out.setItemCount(values.size());
            for (Object each : values) {
                out.startItem();
                element.write(each, out);
            }
            out.writeArrayEnd();
        };
    }

    private static ValueWriter struct(Schema schema, org.apache.avro.Schema avro) {
        int count = avro.getFields().size();
        if (schema.fields().size() != count) {
            return null;
        }
        Field[] fields = new Field[count];
        ValueWriter[] writers = new ValueWriter[count];
        for (org.apache.avro.Schema.Field each : avro.getFields()) {
            int at = each.pos();
            fields[at] = schema.field(each.name());
            writers[at] = fields[at] == null ? null : of(fields[at].schema(), each.schema());
            if (writers[at] == null) {
                return null;
            }
        }
        return (value, out) -> {
            Struct struct = (Struct) value;
            // Its values lie in the order of its own schema.
            if (struct.schema() != schema && !struct.schema().equals(schema)) {
                throw new DataException("a struct of another schema");
            }
            for (int at = 0; at < count; at++) {
                writers[at].write(struct.get(fields[at]), out);
            }
        };
    }
}
