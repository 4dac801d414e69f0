import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Sends of one plain producer, in every way that there is. */
public final class Producers {
  private final Driver driver;
  private DefaultMQProducer producer;

  public Producers(Driver driver) {
    this.driver = driver;
  }

  /** The driver's producer, started when first asked for. */
  public synchronized DefaultMQProducer producer() throws Exception {
    if (producer == null) {
      producer = driver.patient(new DefaultMQProducer("isthmus-test-producer"));
      producer.setSendMsgTimeout(Driver.PATIENCE_MS);
      producer.setPollNameServerInterval(1000);
      producer.start();
    }
    return producer;
  }

  public JsonNode send(JsonNode command) throws Exception {
    DefaultMQProducer producer = producer();
    List<Message> messages = new ArrayList<>();
    for (JsonNode one : command.get("messages")) messages.add(Messages.of(command.get("topic").asText(), one));
    ArrayNode results = Driver.JSON.createArrayNode();
    switch (command.get("how").asText()) {
      case "batch":
        results.add(Messages.result(producer.send(messages)));
        break;
      case "async":
        List<CompletableFuture<SendResult>> sent = new ArrayList<>();
        for (Message message : messages) sent.add(sendAsync(message));
        for (CompletableFuture<SendResult> one : sent) results.add(Messages.result(one.get()));
        break;
      case "oneway":
        for (Message message : messages) producer.sendOneway(message);
        break;
      default:
        int i = 0;
        for (Message message : messages) {
          JsonNode queue = command.get("messages").get(i++).get("queue");
          results.add(Messages.result(queue == null ? producer.send(message)
              : producer.send(message, (queues, m, number) -> queues.get((Integer) number), queue.asInt())));
        }
    }
    return results;
  }

  private CompletableFuture<SendResult> sendAsync(Message message) throws Exception {
    CompletableFuture<SendResult> sent = new CompletableFuture<>();
    producer.send(message, new SendCallback() {
      @Override
      public void onSuccess(SendResult result) {
        sent.complete(result);
      }

      @Override
      public void onException(Throwable e) {
        sent.completeExceptionally(e);
      }
    });
    return sent;
  }
}
