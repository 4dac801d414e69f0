import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;

/**
 * Writes beside each captured frame what RocketMQ's own decoder reads in it: FrameFacts.java FOLDER. A body that is JSON is
 * told as fastjson parses it, keys that are objects as their JSON; any other one in base64.
 */
public class FrameFacts {
  public static void main(String[] args) throws Exception {
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of(args[0]))) {
      files = all.filter(path -> path.toString().endsWith(".hex")).sorted().collect(Collectors.toList());
    }
    for (Path file : files) {
      String digits = Files.readAllLines(file).stream().filter(line -> !line.startsWith("#")).collect(Collectors.joining()).replace(" ", "");
      Map<String, Object> facts = factsOf(RemotingCommand.decode(ByteBuffer.wrap(HexFormat.of().parseHex(digits))));
      String json = JSON.toJSONString(facts, SerializerFeature.PrettyFormat, SerializerFeature.WriteMapNullValue, SerializerFeature.DisableCircularReferenceDetect);
      Files.writeString(Path.of(file.toString().replaceAll("hex$", "json")), json.replace("\t", "  ") + "\n");
    }
  }

  static Map<String, Object> factsOf(RemotingCommand command) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("code", command.getCode());
    facts.put("language", command.getLanguage().name());
    facts.put("version", command.getVersion());
    facts.put("opaque", command.getOpaque());
    facts.put("flag", command.getFlag());
    facts.put("remark", command.getRemark());
    facts.put("serialization", command.getSerializeTypeCurrentRPC().name());
    facts.put("fields", new TreeMap<>(command.getExtFields() == null ? Map.of() : command.getExtFields()));
    byte[] body = command.getBody();
    if (body == null || body.length == 0) return facts;
    if (body[0] == '{') facts.put("json", plain(JSON.parse(new String(body, StandardCharsets.UTF_8))));
    else facts.put("body", Base64.getEncoder().encodeToString(body));
    return facts;
  }

  /** Keys sorted, and texts. */
  static Object plain(Object value) {
    if (value instanceof JSONArray) return ((JSONArray) value).stream().map(FrameFacts::plain).collect(Collectors.toList());
    if (!(value instanceof JSONObject)) return value;
    Map<String, Object> sorted = new TreeMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
      Object key = entry.getKey();
      String name = key instanceof JSONObject ? JSON.toJSONString(plain(key)) : key.toString();
      sorted.put(name, plain(entry.getValue()));
    }
    return sorted;
  }
}
