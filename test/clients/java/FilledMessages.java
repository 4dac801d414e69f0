import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.record.MemoryRecords;

/**
 * Fills every field of every version of the APIs named on the command line with a value that is not its default, has
 * kafka-clients encode it, and prints one JSON object a line: the message, the version, the body's bytes as hex, and
 * the value as kafka-clients shows it. Of versions with equal bytes the first is told.
 *
 *   java -cp 'JARS/*' test/clients/java/FilledMessages.java Fetch Produce ... > test/fixtures/kafka/filled.jsonl
 */
public final class FilledMessages {
  private static final ObjectMapper mapper = new ObjectMapper();
  private int counter = 1;
  private int depth = 0;

  public static void main(String[] names) throws Exception {
    for (String name : names) {
      for (ApiMessageType api : ApiMessageType.values()) {
        if (!api.name.equals(name)) continue;
        print(name, "request", api.requestSchemas(), api);
        print(name, "response", api.responseSchemas(), api);
      }
    }
  }

  private static void print(String name, String direction, Schema[] schemas, ApiMessageType api) throws Exception {
    Set<String> told = new HashSet<>();
    for (short version = 0; version < schemas.length; version++) {
      if (schemas[version] == null) continue;
      for (boolean nulls : new boolean[] {false, true}) {
        ApiMessage message = direction.equals("request") ? api.newRequest() : api.newResponse();
        new FilledMessages().fill(message, schemas[version], nulls);
        ByteBuffer bytes = MessageUtil.toByteBufferAccessor(message, version).buffer();
        byte[] content = new byte[bytes.remaining()];
        bytes.get(content);
        ObjectNode out = mapper.createObjectNode();
        out.put("message", name + " " + direction).put("version", version);
        String hex = HexFormat.of().formatHex(content);
        if (!told.add(hex)) continue;
        out.put("hex", hex);
        out.set("value", json(message, version));
        System.out.println(mapper.writeValueAsString(out));
      }
    }
  }

  private void fill(Object target, Schema schema, boolean nulls) throws Exception {
    for (BoundField bound : schema.fields()) {
      if (bound.def.type instanceof TaggedFields tagged) {
        for (var field : tagged.fields().values()) set(target, field.name, field.type, nulls);
      } else {
        set(target, bound.def.name, bound.def.type, nulls);
      }
    }
  }

  private void set(Object target, String snake, Type type, boolean nulls) throws Exception {
    Field field = target.getClass().getDeclaredField(camel(snake));
    field.setAccessible(true);
    field.set(target, nulls && type.isNullable() ? null : value(field, type, nulls));
  }

  private Object value(Field field, Type type, boolean nulls) throws Exception {
    if (type instanceof Schema schema) {
      Object inner = field.getType().getConstructor().newInstance();
      fill(inner, schema, nulls);
      return inner;
    }
    if (!type.isArray()) return scalar(field.getType());
    Type element = type.arrayElementType().get();
    Class<?> elementClass = elementOf(field);
    Collection<Object> list = field.getType().isAssignableFrom(ArrayList.class)
        ? new ArrayList<>() : newCollection(field.getType());
    int size = depth++ == 0 ? 2 : 1;
    for (int i = 0; i < size; i++) {
      if (element instanceof Schema schema) {
        Object inner = elementClass.getConstructor().newInstance();
        fill(inner, schema, nulls);
        list.add(inner);
      } else list.add(scalar(elementClass));
    }
    depth--;
    return list;
  }

  @SuppressWarnings("unchecked")
  private static Collection<Object> newCollection(Class<?> type) throws Exception {
    return (Collection<Object>) type.getConstructor(int.class).newInstance(2);
  }

  /** Values that differ from each other, in all their bytes where they can. */
  private Object scalar(Class<?> type) {
    int n = counter++;
    if (type == boolean.class) return n % 2 == 0;
    if (type == byte.class || type == Byte.class) return (byte) (n % 100 + 2);
    if (type == short.class || type == Short.class) return (short) (0x0100 + n);
    if (type == int.class || type == Integer.class) return n % 5 == 0 ? -7 - n : 0x01020300 + n;
    if (type == long.class || type == Long.class) return n % 5 == 0 ? -0x0001020304050600L - n : 0x0010203040506000L + n;
    if (type == String.class) return n % 4 == 0 ? "größe " + n : "text " + n;
    if (type == Uuid.class) return new Uuid(0x0102030405060700L + n, 0xf1f2f3f4f5f6f700L + n);
    if (type == byte[].class) return new byte[] {(byte) n, 0, (byte) 0xff};
    if (type.getSimpleName().equals("BaseRecords")) return MemoryRecords.readableRecords(ByteBuffer.wrap(new byte[] {9, (byte) n, 8}));
    throw new IllegalStateException("no value for " + type);
  }

  private static Class<?> elementOf(Field field) {
    var generic = field.getGenericType() instanceof ParameterizedType list
        ? list : (ParameterizedType) field.getType().getGenericSuperclass();
    return (Class<?>) generic.getActualTypeArguments()[0];
  }

  private static String camel(String snake) {
    StringBuilder out = new StringBuilder();
    for (String word : snake.split("_")) {
      out.append(out.length() == 0 ? word : word.substring(0, 1).toUpperCase() + word.substring(1));
    }
    return out.toString();
  }

  private static JsonNode json(ApiMessage message, short version) throws Exception {
    Class<?> type = message.getClass();
    Method write = Class.forName(type.getName() + "JsonConverter").getMethod("write", type, short.class, boolean.class);
    return (JsonNode) write.invoke(null, message, version, false);
  }
}
