import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** Push consumers, one a name. Each message given is told as an event "message". */
public final class Consumers {
  private final Driver driver;
  private final Map<String, DefaultMQPushConsumer> started = new ConcurrentHashMap<>();

  public Consumers(Driver driver) {
    this.driver = driver;
  }

  public JsonNode start(JsonNode command) throws Exception {
    String name = text(command, "name", "");
    DefaultMQPushConsumer consumer = made(command);
    if (command.path("orderly").asBoolean()) {
      consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
        given(name, messages);
        return ConsumeOrderlyStatus.SUCCESS;
      });
    } else {
      consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
        given(name, messages);
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
      });
    }
    start(name, consumer);
    return null;
  }

  /** A consumer with the command's settings, no listener yet. */
  public DefaultMQPushConsumer made(JsonNode command) throws Exception {
    DefaultMQPushConsumer consumer = driver.patient(new DefaultMQPushConsumer(command.get("group").asText()));
    consumer.setPollNameServerInterval(1000);
    consumer.setHeartbeatBrokerInterval(1000);
    consumer.setPersistConsumerOffsetInterval(1000);
    // The listener is told to be done with a message only after it has told of it: a shutdown in between would not commit.
    consumer.setAwaitTerminationMillisWhenShutdown(10_000);
    consumer.setConsumeFromWhere(ConsumeFromWhere.valueOf(text(command, "from", "CONSUME_FROM_FIRST_OFFSET")));
    if (command.hasNonNull("timestamp")) consumer.setConsumeTimestamp(command.get("timestamp").asText());
    if (command.hasNonNull("model")) setModel(consumer, command.get("model").asText());
    if (command.hasNonNull("instance")) consumer.setInstanceName(command.get("instance").asText());
    // 5.x only: queues are divided by the broker.
    if (command.path("brokerDivides").asBoolean()) {
      DefaultMQPushConsumer.class.getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
    }
    String topic = command.get("topic").asText();
    if (command.has("sql")) consumer.subscribe(topic, MessageSelector.bySql(command.get("sql").asText()));
    else consumer.subscribe(topic, text(command, "subscription", "*"));
    return consumer;
  }

  public void start(String name, DefaultMQPushConsumer consumer) throws Exception {
    consumer.start();
    started.put(name, consumer);
  }

  public DefaultMQPushConsumer named(String name) {
    return started.get(name);
  }

  /** Tells of the messages. */
  public void given(String name, List<MessageExt> messages) {
    for (MessageExt message : messages) {
      ObjectNode line = Messages.given(message);
      driver.tell(line.put("event", "message").put("consumer", name));
    }
  }

  /** Changes what a running consumer gets of a topic. */
  public JsonNode subscribe(JsonNode command) throws Exception {
    named(text(command, "name", "")).subscribe(command.get("topic").asText(), text(command, "subscription", "*"));
    return null;
  }

  /** Divides the queues at once; by itself a client does so every 20 s and when it is told of a change. */
  public JsonNode rebalance(JsonNode command) {
    named(text(command, "name", "")).getDefaultMQPushConsumerImpl().getmQClientFactory().rebalanceImmediately();
    return null;
  }

  public JsonNode unsubscribe(JsonNode command) {
    named(text(command, "name", "")).unsubscribe(command.get("topic").asText());
    return null;
  }

  public JsonNode stop(JsonNode command) {
    started.remove(text(command, "name", "")).shutdown();
    return null;
  }

  /** MessageModel's package is another in 4.9 than in 5. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static void setModel(DefaultMQPushConsumer consumer, String model) throws Exception {
    for (Method method : DefaultMQPushConsumer.class.getMethods()) {
      if (!method.getName().equals("setMessageModel")) continue;
      method.invoke(consumer, Enum.valueOf((Class<Enum>) method.getParameterTypes()[0], model));
    }
  }

  private static String text(JsonNode command, String name, String otherwise) {
    return command.hasNonNull(name) ? command.get(name).asText() : otherwise;
  }
}
