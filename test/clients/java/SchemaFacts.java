import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;
import org.apache.kafka.common.utils.AppInfoParser;

/**
 * Prints, as JSON, what kafka-clients knows of its own message grammar: for each API named on the command line, every
 * version's layout of request and response, where versions become flexible, each field's default, and all error codes.
 *
 *   java -cp 'JARS/*' test/clients/java/SchemaFacts.java Fetch Produce ... > test/fixtures/kafka/schemas.json
 *
 * Equal layouts of successive versions are told once. A layout is one line: `name type` for each field, joined by
 * `; `. A `?` behind the type means nullable, brackets an array, braces a struct, a number and a colon in front a
 * tagged field. That a struct may be null, kafka-clients' schemas do not tell; its default, null, does.
 */
public final class SchemaFacts {
  public static void main(String[] names) throws Exception {
    List<String> messages = new ArrayList<>();
    for (String name : names) {
      ApiMessageType api = apiNamed(name);
      messages.add(message(name + "Request", api, api.requestSchemas()));
      messages.add(message(name + "Response", api, api.responseSchemas()));
    }
    Map<Short, String> errors = new TreeMap<>();
    for (Errors error : Errors.values()) errors.put(error.code(), error.name());
    System.out.println("{");
    System.out.println("  \"source\": \"kafka-clients " + AppInfoParser.getVersion() + "\",");
    System.out.println("  \"messages\": {\n" + String.join(",\n", messages) + "\n  },");
    System.out.println("  \"errors\": {\n" + errors.entrySet().stream()
        .map(e -> "    \"" + e.getValue() + "\": " + e.getKey())
        .collect(Collectors.joining(",\n")) + "\n  }");
    System.out.println("}");
  }

  private static ApiMessageType apiNamed(String name) {
    for (ApiMessageType api : ApiMessageType.values()) if (api.name.equals(name)) return api;
    throw new IllegalArgumentException("no API named " + name);
  }

  private static String message(String name, ApiMessageType api, Schema[] schemas)
      throws Exception {
    StringBuilder out = new StringBuilder("    \"" + name + "\": {\n      \"key\": " + api.apiKey() + ",\n");
    int flexible = -1;
    List<String> layouts = new ArrayList<>();
    for (short version = 0; version < schemas.length; version++) {
      if (schemas[version] == null) continue;
      if (flexible < 0 && api.requestHeaderVersion(version) >= 2) flexible = version;
      int first = version;
      String layout = layout(schemas[version]);
      while (version + 1 < schemas.length && layout(schemas[version + 1]).equals(layout)) {
        version++;
        if (flexible < 0 && api.requestHeaderVersion(version) >= 2) flexible = version;
      }
      layouts.add("        \"" + first + "-" + version + "\": \"" + layout + "\"");
    }
    List<String> defaults = new ArrayList<>();
    defaults(Class.forName("org.apache.kafka.common.message." + name + "Data"), "", defaults);
    out.append("      \"firstFlexible\": ").append(flexible < 0 ? "null" : flexible).append(",\n");
    out.append("      \"layouts\": {\n").append(String.join(",\n", layouts)).append("\n      },\n");
    out.append("      \"defaults\": \"").append(String.join("; ", defaults)).append("\"\n    }");
    return out.toString();
  }

  private static String layout(Schema schema) {
    List<String> fields = new ArrayList<>();
    for (BoundField bound : schema.fields()) {
      if (bound.def.type instanceof TaggedFields tagged) {
        tagged.fields().forEach((tag, field) ->
            fields.add(tag + ": " + camel(field.name) + " " + type(field.type)));
      } else {
        fields.add(camel(bound.def.name) + " " + type(bound.def.type));
      }
    }
    return String.join("; ", fields);
  }

  private static String type(Type type) {
    String nullable = type.isNullable() ? "?" : "";
    if (type.isArray()) return "[" + type(type.arrayElementType().get()) + "]" + nullable;
    if (type instanceof Schema schema) return "{" + layout(schema) + "}" + nullable;
    String name = type.toString().toLowerCase().replace("compact_", "").replace("nullable_", "");
    return switch (name) {
      case "boolean" -> "bool";
      default -> name;
    } + nullable;
  }

  private static String camel(String snake) {
    StringBuilder out = new StringBuilder();
    for (String word : snake.split("_")) {
      out.append(out.length() == 0 ? word : word.substring(0, 1).toUpperCase() + word.substring(1));
    }
    return out.toString();
  }

  /** Collects `path=value` of every field of a freshly made message, and of what its arrays and structs hold. */
  private static void defaults(Class<?> type, String path, List<String> into) throws Exception {
    Object fresh = type.getConstructor().newInstance();
    for (Field field : type.getDeclaredFields()) {
      int modifiers = field.getModifiers();
      if (java.lang.reflect.Modifier.isStatic(modifiers)) continue;
      String name = field.getName();
      if (name.equals("_unknownTaggedFields") || name.equals("next") || name.equals("prev")) continue;
      field.setAccessible(true);
      Object value = field.get(fresh);
      String at = path + name;
      Class<?> inner = elementOf(field);
      if (inner == null || value == null || value instanceof Iterable) into.add(at + "=" + text(value));
      if (inner != null) defaults(inner, at + ".", into);
    }
  }

  /** The message class that a field holds, or holds a list of. */
  private static Class<?> elementOf(Field field) {
    Class<?> type = field.getType();
    if (isMessage(type)) return type;
    if (field.getGenericType() instanceof ParameterizedType list
        && list.getActualTypeArguments()[0] instanceof Class<?> element && isMessage(element)) {
      return element;
    }
    if (type.getGenericSuperclass() instanceof ParameterizedType collection
        && collection.getActualTypeArguments()[0] instanceof Class<?> element && isMessage(element)) {
      return element;
    }
    return null;
  }

  private static boolean isMessage(Class<?> type) {
    return org.apache.kafka.common.protocol.Message.class.isAssignableFrom(type);
  }

  private static String text(Object value) {
    if (value == null) return "null";
    if (value instanceof Iterable<?>) return "[]";
    if (value instanceof byte[]) return "''";
    if (value instanceof String string) return "'" + string + "'";
    if (value instanceof Uuid uuid) return uuid.equals(Uuid.ZERO_UUID) ? "zero" : uuid.toString();
    return value.toString();
  }
}
