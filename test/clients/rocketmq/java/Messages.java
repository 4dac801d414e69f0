import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Messages and results as JSON; bodies are base64. */
public final class Messages {
  private Messages() {}

  public static Message of(String topic, JsonNode one) {
    Message message = new Message(topic, Base64.getDecoder().decode(one.get("body").asText()));
    if (one.has("tag")) message.setTags(one.get("tag").asText());
    if (one.has("keys")) message.setKeys(one.get("keys").asText());
    if (one.has("delayLevel")) message.setDelayTimeLevel(one.get("delayLevel").asInt());
    if (one.has("properties")) {
      for (Iterator<Map.Entry<String, JsonNode>> all = one.get("properties").fields(); all.hasNext();) {
        Map.Entry<String, JsonNode> property = all.next();
        message.putUserProperty(property.getKey(), property.getValue().asText());
      }
    }
    return message;
  }

  public static ObjectNode result(SendResult result) {
    return Driver.JSON.createObjectNode()
        .put("status", result.getSendStatus().name())
        .put("uniqueKey", result.getMsgId())
        .put("offsetId", result.getOffsetMsgId())
        .put("queue", result.getMessageQueue().getQueueId())
        .put("offset", result.getQueueOffset());
  }

  /** A message as a consumer was given it. */
  public static ObjectNode given(MessageExt message) {
    ObjectNode properties = Driver.JSON.createObjectNode();
    new TreeMap<>(message.getProperties()).forEach(properties::put);
    byte[] body = message.getBody();
    ObjectNode line = Driver.JSON.createObjectNode()
        .put("topic", message.getTopic())
        .put("queue", message.getQueueId())
        .put("offset", message.getQueueOffset())
        .put("uniqueKey", message.getMsgId())
        .put("bornMs", message.getBornTimestamp())
        .put("storedMs", message.getStoreTimestamp())
        .put("reconsumeTimes", message.getReconsumeTimes())
        .put("givenMs", System.currentTimeMillis())
        .put("body", body == null ? "" : Base64.getEncoder().encodeToString(body));
    line.set("properties", properties);
    return line;
  }
}
