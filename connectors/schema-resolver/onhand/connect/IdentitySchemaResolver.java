package onhand.connect;

import io.apicurio.registry.resolver.DefaultSchemaResolver;
import io.apicurio.registry.resolver.SchemaLookupResult;
import io.apicurio.registry.resolver.SchemaParser;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.serde.data.KafkaSerdeMetadata;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericContainer;

/**
 * Knows a schema again by its identity. The resolver that it extends writes the schema of every record out as JSON, to look its id up by
 * content: half of what the connector's task has to do. The converter hands out one Avro schema for as long as a table keeps its columns,
 * so the object itself says which it is. A schema that was not seen yet, or not for as long as
 * {@code apicurio.registry.check-period-ms}, goes the long way, so a registry that lost its content gets it again.
 */
public final class IdentitySchemaResolver<T> extends DefaultSchemaResolver<Schema, T> {
    /** Of one topic, far more than live at once: a bound for a converter that would hand out a new object each time. */
    private static final int MAX_SCHEMAS = 100;

    private final Map<String, Map<Schema, Known>> topics = new HashMap<>();
    private long checkPeriodNanos;

    private record Known(SchemaLookupResult<Schema> result, long at) {}

    @Override
    public void configure(Map<String, ?> configs, SchemaParser<Schema, T> parser) {
        super.configure(configs, parser);
        checkPeriodNanos = config.getCheckPeriod().toNanos();
    }

    @Override
    public synchronized SchemaLookupResult<Schema> resolveSchema(Record<T> data) {
        if (!(data.payload() instanceof GenericContainer payload) || !(data.metadata() instanceof KafkaSerdeMetadata metadata)) {
            return super.resolveSchema(data);
        }
        Map<Schema, Known> schemas = topics.computeIfAbsent(metadata.getTopic(), topic -> new IdentityHashMap<>());
        Known known = schemas.get(payload.getSchema());
        long now = System.nanoTime();
        if (known != null && now - known.at() < checkPeriodNanos) {
            return known.result();
        }
        SchemaLookupResult<Schema> result = super.resolveSchema(data);
        if (schemas.size() >= MAX_SCHEMAS) {
            schemas.clear();
        }
        schemas.put(payload.getSchema(), new Known(result, now));
        return result;
    }

    @Override
    public synchronized void reset() {
        super.reset();
        topics.clear();
    }
}
