import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What tools look up and set right: messages by key and id, groups' places, consumers asked through the server. */
public final class Lookups {
  private final Driver driver;
  private DefaultMQAdminExt admin;
  private DefaultMQPullConsumer puller;

  public Lookups(Driver driver) {
    this.driver = driver;
  }

  private synchronized DefaultMQAdminExt admin() throws Exception {
    if (admin == null) {
      admin = driver.patient(new DefaultMQAdminExt(Driver.PATIENCE_MS));
      admin.setInstanceName("lookups");
      admin.start();
    }
    return admin;
  }

  public JsonNode byKey(JsonNode command) throws Exception {
    try {
      return messages(admin().queryMessage(command.get("topic").asText(), command.get("key").asText(),
          command.get("count").asInt(), command.get("from").asLong(), command.get("to").asLong()).getMessageList());
    } catch (MQClientException e) {
      // ResponseCode.NO_MESSAGE, which the client itself makes of an answer without any.
      if (e.getResponseCode() != 208) throw e;
      return Driver.JSON.createArrayNode();
    }
  }

  /** By the id of a place in the log, or by the unique key. */
  public JsonNode byId(JsonNode command) throws Exception {
    return Messages.given(admin().viewMessage(command.get("topic").asText(), command.get("msgId").asText()));
  }

  /** One pull of the classic pull consumer with an expression. */
  public synchronized JsonNode pullSql(JsonNode command) throws Exception {
    if (puller == null) {
      puller = driver.patient(new DefaultMQPullConsumer(command.get("group").asText()));
      puller.setHeartbeatBrokerInterval(500);
      puller.start();
    }
    for (MessageQueue queue : puller.fetchSubscribeMessageQueues(command.get("topic").asText())) {
      if (queue.getQueueId() != command.get("queue").asInt()) continue;
      MessageSelector selector = MessageSelector.bySql(command.get("sql").asText());
      PullResult result = pull(queue, selector, command.get("offset").asLong());
      ObjectNode told = Driver.JSON.createObjectNode();
      told.put("status", result.getPullStatus().name()).put("next", result.getNextBeginOffset());
      told.set("messages", messages(result.getMsgFoundList()));
      return told;
    }
    throw new IllegalArgumentException("no such queue");
  }

  /** The client knows that the broker takes expressions when it has had an answer to a heartbeat. */
  private PullResult pull(MessageQueue queue, MessageSelector selector, long offset) throws Exception {
    for (int round = 0;; round++) {
      try {
        return puller.pull(queue, selector, offset, 32);
      } catch (MQClientException e) {
        if (round == 300 || !e.getMessage().contains("does not upgrade")) throw e;
        Thread.sleep(100);
      }
    }
  }

  public JsonNode resetByTime(JsonNode command) throws Exception {
    return offsets(admin().resetOffsetByTimestamp(command.get("topic").asText(), command.get("group").asText(),
        command.get("timestamp").asLong(), true));
  }

  public JsonNode clonePlaces(JsonNode command) throws Exception {
    admin().cloneGroupOffset(command.get("from").asText(), command.get("to").asText(),
        command.get("topic").asText(), true);
    return null;
  }

  /** Where each consumer of the group is, by client id and queue. */
  public JsonNode status(JsonNode command) throws Exception {
    ObjectNode all = Driver.JSON.createObjectNode();
    Map<String, Map<MessageQueue, Long>> told =
        admin().getConsumeStatus(command.get("topic").asText(), command.get("group").asText(), "");
    told.forEach((client, places) -> all.set(client, offsets(places)));
    return all;
  }

  public JsonNode running(JsonNode command) throws Exception {
    var info = admin().getConsumerRunningInfo(command.get("group").asText(), clientId(command), true);
    ObjectNode told = Driver.JSON.createObjectNode();
    told.put("type", info.getProperties().getProperty("PROP_CONSUME_TYPE"));
    told.put("hasStacks", info.getJstack() != null && info.getJstack().contains("TID"));
    told.set("topics", Driver.JSON.valueToTree(info.getSubscriptionSet().stream().map(one -> one.getTopic()).toList()));
    return told;
  }

  public JsonNode consumeDirectly(JsonNode command) throws Exception {
    var result = admin().consumeMessageDirectly(command.get("group").asText(), clientId(command),
        command.get("topic").asText(), command.get("msgId").asText());
    return Driver.JSON.createObjectNode().put("result", result.getConsumeResult().name());
  }

  /** This driver's consumer, or one that is not there. */
  private String clientId(JsonNode command) throws Exception {
    if (command.hasNonNull("client")) return command.get("client").asText();
    return driver.part(Consumers.class).named("").getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
  }

  private static ArrayNode messages(List<MessageExt> messages) {
    ArrayNode all = Driver.JSON.createArrayNode();
    if (messages != null) for (MessageExt message : messages) all.add(Messages.given(message));
    return all;
  }

  private static ObjectNode offsets(Map<MessageQueue, Long> places) {
    ObjectNode all = Driver.JSON.createObjectNode();
    places.forEach((queue, offset) -> all.put(String.valueOf(queue.getQueueId()), offset));
    return all;
  }
}
