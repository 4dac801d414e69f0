import com.fasterxml.jackson.databind.JsonNode;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;

/**
 * A producer and a consumer that trace their messages. They are left running: client 5.3.3 sends what it traced after five
 * seconds, and loses it when it is shut down before.
 */
public final class Traces {
  private final Driver driver;

  public Traces(Driver driver) {
    this.driver = driver;
  }

  public JsonNode send(JsonNode command) throws Exception {
    DefaultMQProducer producer = driver.patient(new DefaultMQProducer("isthmus-traced", true, null));
    producer.setSendMsgTimeout(Driver.PATIENCE_MS);
    producer.start();
    return Messages.result(producer.send(Messages.of(command.get("topic").asText(), command)));
  }

  /** What it is given is told like any consumer's. */
  public JsonNode consume(JsonNode command) throws Exception {
    Consumers consumers = driver.part(Consumers.class);
    DefaultMQPushConsumer consumer = driver.patient(new DefaultMQPushConsumer(command.get("group").asText(), true, null));
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(command.get("topic").asText(), "*");
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      consumers.given("traced", messages);
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumer.start();
    return null;
  }
}
