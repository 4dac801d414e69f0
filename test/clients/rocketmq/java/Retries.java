import com.fasterxml.jackson.databind.JsonNode;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** Push consumers that fail: each message given is told of, and its first deliveries come to nothing. */
public final class Retries {
  private final Consumers consumers;

  public Retries(Driver driver) throws Exception {
    consumers = driver.part(Consumers.class);
  }

  /**
   * As Consumers.start. "failures": how often a message fails before it is consumed. "level": how late it comes again, 0
   * for the server's choice. "most": how often it may come again. "suspendMs": of an orderly one, its pause. "takesMs":
   * how long it takes to fail.
   */
  public JsonNode start(JsonNode command) throws Exception {
    String name = command.path("name").asText("");
    int failures = command.get("failures").asInt();
    DefaultMQPushConsumer consumer = consumers.made(command);
    consumer.setConsumeMessageBatchMaxSize(1);
    if (command.has("most")) consumer.setMaxReconsumeTimes(command.get("most").asInt());
    if (command.path("orderly").asBoolean()) {
      consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
        consumers.given(name, messages);
        if (!fails(messages.get(0), failures)) return ConsumeOrderlyStatus.SUCCESS;
        context.setSuspendCurrentQueueTimeMillis(command.get("suspendMs").asLong());
        return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
      });
    } else {
      consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
        consumers.given(name, messages);
        if (!fails(messages.get(0), failures)) return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        pause(command.path("takesMs").asLong());
        context.setDelayLevelWhenNextConsume(command.path("level").asInt());
        return ConsumeConcurrentlyStatus.RECONSUME_LATER;
      });
    }
    consumers.start(name, consumer);
    return null;
  }

  private static void pause(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Messages whose body begins with "good" never do. */
  private static boolean fails(MessageExt message, int failures) {
    return message.getReconsumeTimes() < failures && !new String(message.getBody()).startsWith("good");
  }
}
