import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Timer messages and their recall; clients before 5.0 know neither. */
public final class Timed {
  private final Driver driver;

  public Timed(Driver driver) {
    this.driver = driver;
  }

  /** Sends each message with its `delaySec`, `delayMs` or `deliverMs`; told with each is its `recallHandle`. */
  public JsonNode send(JsonNode command) throws Exception {
    ArrayNode results = Driver.JSON.createArrayNode();
    for (JsonNode one : command.get("messages")) {
      Message message = Messages.of(command.get("topic").asText(), one);
      if (one.has("delaySec")) message.setDelayTimeSec(one.get("delaySec").asLong());
      if (one.has("delayMs")) message.setDelayTimeMs(one.get("delayMs").asLong());
      if (one.has("deliverMs")) message.setDeliverTimeMs(one.get("deliverMs").asLong());
      SendResult result = driver.part(Producers.class).producer().send(message);
      results.add(Messages.result(result).put("recallHandle", result.getRecallHandle()));
    }
    return results;
  }

  /** Tells the unique key of the message that was recalled. */
  public JsonNode recall(JsonNode command) throws Exception {
    String key = driver.part(Producers.class).producer()
        .recallMessage(command.get("topic").asText(), command.get("handle").asText());
    return Driver.JSON.createObjectNode().put("uniqueKey", key);
  }
}
