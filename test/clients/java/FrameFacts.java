import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Decodes captured frames with kafka-clients' own generated readers and writes what it read beside each, as JSON:
 *
 *   java -cp 'JARS/*' test/clients/java/FrameFacts.java test/fixtures/kafka/frames
 *
 * A frame's first line names it: `# Fetch request, version 11`. The JSON has only the fields that the version has;
 * ids and bytes are base64, of records it tells the size.
 */
public final class FrameFacts {
  private static final ObjectMapper mapper = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(args[0]), "*.hex")) {
      for (Path file : files) {
        String json = mapper.writerWithDefaultPrettyPrinter().writeValueAsString(decode(Files.readString(file)));
        String name = file.getFileName().toString().replaceFirst("\\.hex$", ".json");
        Files.writeString(file.resolveSibling(name), json + "\n");
      }
    }
  }

  private static ObjectNode decode(String text) throws Exception {
    String[] title = text.lines().findFirst().orElseThrow().split("[ ,]+");
    String digits = text.lines().filter(line -> !line.startsWith("#")).reduce("", String::concat);
    ByteBuffer frame = ByteBuffer.wrap(HexFormat.of().parseHex(digits.replace(" ", "")));
    ApiKeys api = apiNamed(title[1]);
    short version = Short.parseShort(title[4]);
    ObjectNode out = mapper.createObjectNode();
    ApiMessage body;
    if (title[2].equals("request")) {
      RequestHeader header = RequestHeader.parse(frame);
      out.put("correlationId", header.correlationId());
      out.put("clientId", header.clientId());
      body = api.messageType.newRequest();
    } else {
      ResponseHeader header = ResponseHeader.parse(frame, api.responseHeaderVersion(version));
      out.put("correlationId", header.correlationId());
      body = api.messageType.newResponse();
    }
    body.read(new ByteBufferAccessor(frame), version);
    if (frame.hasRemaining()) throw new IllegalStateException(frame.remaining() + " bytes are left");
    out.set("body", json(body, version));
    return out;
  }

  private static ApiKeys apiNamed(String name) {
    for (ApiKeys api : ApiKeys.values()) if (api.name.equals(name)) return api;
    throw new IllegalArgumentException("no API named " + name);
  }

  static JsonNode json(ApiMessage message, short version) throws Exception {
    Class<?> type = message.getClass();
    return (JsonNode) Class.forName(type.getName() + "JsonConverter")
        .getMethod("write", type, short.class, boolean.class)
        .invoke(null, message, version, false);
  }
}
