import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Method;
import java.util.Base64;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests that wait for a reply, and a consumer that replies. */
public final class RequestReply {
  private final Driver driver;
  private final CountDownLatch released = new CountDownLatch(1);

  public RequestReply(Driver driver) {
    this.driver = driver;
  }

  /**
   * Starts a consumer that answers each request with "re: " and its body, with "hold" after `release`. What became of a
   * reply is told as an event "replied".
   */
  public JsonNode answer(JsonNode command) throws Exception {
    Consumers consumers = driver.part(Consumers.class);
    DefaultMQPushConsumer consumer = consumers.made(command);
    boolean holds = command.path("hold").asBoolean();
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      consumers.given("", messages);
      for (MessageExt message : messages) {
        if (message.getProperty("CORRELATION_ID") != null) reply(message, holds);
      }
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumers.start("", consumer);
    return null;
  }

  public JsonNode release(JsonNode command) {
    released.countDown();
    return null;
  }

  private void reply(MessageExt message, boolean holds) {
    ObjectNode told = Driver.JSON.createObjectNode().put("event", "replied");
    try {
      if (holds) released.await();
      byte[] prefix = "re: ".getBytes();
      byte[] body = new byte[prefix.length + message.getBody().length];
      System.arraycopy(prefix, 0, body, 0, prefix.length);
      System.arraycopy(message.getBody(), 0, body, prefix.length, message.getBody().length);
      DefaultMQProducer producer = driver.part(Producers.class).producer();
      // One that is refused is not tried again: the answer says what the first try came to.
      producer.setRetryTimesWhenSendFailed(0);
      told.set("result", Messages.result(producer.send(MessageUtil.createReplyMessage(message, body), 15_000)));
    } catch (Exception e) {
      told.put("error", e + " " + e.getCause());
    }
    driver.tell(told);
  }

  /**
   * Sends a request and waits for its reply, with "sync" in the form that blocks (in client 5.3.3 the ack of the send
   * ends its wait).
   */
  public JsonNode request(JsonNode command) throws Exception {
    DefaultMQProducer producer = driver.part(Producers.class).producer();
    Message request = Messages.of(command.get("topic").asText(), command);
    long timeoutMs = command.get("timeoutMs").asLong();
    if (command.path("sync").asBoolean()) return reply(producer.request(request, timeoutMs));
    CompletableFuture<Message> replied = new CompletableFuture<>();
    producer.request(request, (queues, message, arg) -> queues.get(0), null, new RequestCallback() {
      @Override
      public void onSuccess(Message message) {
        replied.complete(message);
      }

      @Override
      public void onException(Throwable e) {
        replied.completeExceptionally(e);
      }
    }, timeoutMs);
    try {
      return reply(replied.get(timeoutMs + 20_000, TimeUnit.MILLISECONDS));
    } catch (ExecutionException e) {
      throw new Exception(e.getCause());
    }
  }

  private static ObjectNode reply(Message reply) {
    ObjectNode properties = Driver.JSON.createObjectNode();
    reply.getProperties().forEach(properties::put);
    ObjectNode told = Driver.JSON.createObjectNode()
        .put("topic", reply.getTopic())
        .put("body", Base64.getEncoder().encodeToString(reply.getBody()));
    told.set("properties", properties);
    return told;
  }

  /** Says to the brokers that the producer is there; the next heartbeat may be half a minute away. */
  public static void beat(DefaultMQProducer producer) throws Exception {
    Object inner = producer.getDefaultMQProducerImpl();
    for (Method method : inner.getClass().getMethods()) {
      if (!method.getName().equalsIgnoreCase("getMQClientFactory")) continue;
      Object instance = method.invoke(inner);
      instance.getClass().getMethod("sendHeartbeatToAllBrokerWithLock").invoke(instance);
    }
  }
}
