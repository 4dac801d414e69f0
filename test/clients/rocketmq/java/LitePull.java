import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.client.consumer.store.ReadOffsetType;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumer of today: subscribed, or given its queues, and told where to go on. */
public final class LitePull {
  private final Driver driver;
  private DefaultLitePullConsumer consumer;
  private List<MessageQueue> queues;

  public LitePull(Driver driver) {
    this.driver = driver;
  }

  /** With a `subscription` or `sql` the group shares the queues; without one this consumer assigns `queues` to itself. */
  public JsonNode start(JsonNode command) throws Exception {
    consumer = driver.patient(new DefaultLitePullConsumer(command.get("group").asText()));
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setAutoCommit(command.path("autoCommit").asBoolean());
    consumer.setAutoCommitIntervalMillis(1000);
    String topic = command.get("topic").asText();
    boolean isSubscribed = command.hasNonNull("subscription") || command.hasNonNull("sql");
    if (command.hasNonNull("sql")) consumer.subscribe(topic, MessageSelector.bySql(command.get("sql").asText()));
    else if (isSubscribed) consumer.subscribe(topic, command.get("subscription").asText());
    consumer.start();
    if (isSubscribed) return null;
    queues = new ArrayList<>(consumer.fetchMessageQueues(topic));
    queues.sort(Comparator.comparingInt(MessageQueue::getQueueId));
    List<MessageQueue> chosen = new ArrayList<>();
    for (JsonNode queue : command.get("queues")) chosen.add(queues.get(queue.asInt()));
    consumer.assign(chosen);
    return Driver.JSON.createObjectNode().put("queues", queues.size());
  }

  /** Takes what comes until there are `count` messages or the time is over; what comes in excess is given too. */
  public JsonNode poll(JsonNode command) {
    ArrayNode messages = Driver.JSON.createArrayNode();
    long end = System.currentTimeMillis() + command.get("timeoutMs").asLong();
    while (messages.size() < command.get("count").asInt() && System.currentTimeMillis() < end) {
      for (MessageExt message : consumer.poll(Math.min(500, Math.max(1, end - System.currentTimeMillis())))) {
        messages.add(Messages.given(message));
      }
    }
    return messages;
  }

  /** To an `offset`, to the first of a `timestamp`, or `to` the begin or the end of the queue. */
  public JsonNode seek(JsonNode command) throws Exception {
    MessageQueue queue = queues.get(command.get("queue").asInt());
    if (command.hasNonNull("offset")) consumer.seek(queue, command.get("offset").asLong());
    else if (command.hasNonNull("timestamp")) {
      long offset = consumer.offsetForTimestamp(queue, command.get("timestamp").asLong());
      consumer.seek(queue, offset);
      return Driver.JSON.createObjectNode().put("offset", offset);
    } else if (command.get("to").asText().equals("begin")) consumer.seekToBegin(queue);
    else consumer.seekToEnd(queue);
    return null;
  }

  public JsonNode commit(JsonNode command) throws Exception {
    consumer.commitSync();
    settle();
    return null;
  }

  /** The client sends what it committed without waiting for an answer: waits until the broker says the same. */
  private void settle() throws Exception {
    OffsetStore places = consumer.getOffsetStore();
    long end = System.currentTimeMillis() + 10_000;
    for (MessageQueue queue : consumer.assignment()) {
      long place = places.readOffset(queue, ReadOffsetType.READ_FROM_MEMORY);
      if (place < 0) continue;
      places.persist(queue);
      while (places.readOffset(queue, ReadOffsetType.READ_FROM_STORE) != place) {
        if (System.currentTimeMillis() > end) throw new IllegalStateException(queue + " is not at " + place);
      }
    }
  }

  /** Where the group is in the queue, asked of the broker. */
  public JsonNode committed(JsonNode command) throws Exception {
    ObjectNode answer = Driver.JSON.createObjectNode();
    return answer.put("offset", consumer.committed(queues.get(command.get("queue").asInt())));
  }

  public JsonNode stop(JsonNode command) throws Exception {
    settle();
    consumer.shutdown();
    return null;
  }
}
