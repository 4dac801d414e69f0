import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** A transactional producer whose local transactions end as they are told. */
public final class Transactions implements TransactionListener {
  private final Driver driver;
  private final CountDownLatch released = new CountDownLatch(1);
  private TransactionMQProducer producer;

  public Transactions(Driver driver) {
    this.driver = driver;
  }

  /** Starts the producer, which makes the topic with a message "first", and is known to the broker from then on. */
  public JsonNode start(JsonNode command) throws Exception {
    producer = driver.patient(new TransactionMQProducer(command.get("group").asText()));
    producer.setSendMsgTimeout(Driver.PATIENCE_MS);
    producer.setPollNameServerInterval(1000);
    producer.setHeartbeatBrokerInterval(1000);
    producer.setTransactionListener(this);
    producer.start();
    // Heartbeats go to the brokers of topics that the client has sent to.
    String topic = command.get("topic").asText();
    producer.send(new Message(topic, "first".getBytes()));
    RequestReply.beat(producer);
    return null;
  }

  /** Sends messages one after the other, each with the end "local" of its transaction; with "hold" after `release`. */
  public JsonNode send(JsonNode command) throws Exception {
    ArrayNode results = Driver.JSON.createArrayNode();
    for (JsonNode one : command.get("messages")) {
      Message message = Messages.of(command.get("topic").asText(), one);
      TransactionSendResult result = producer.sendMessageInTransaction(message, command);
      results.add(Messages.result(result).put("transactionId", result.getTransactionId()));
    }
    return results;
  }

  public JsonNode release(JsonNode command) {
    released.countDown();
    return null;
  }

  @Override
  public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
    JsonNode command = (JsonNode) argument;
    driver.tell(Driver.JSON.createObjectNode()
        .put("event", "executing").put("body", new String(message.getBody()))
        .put("transactionId", message.getTransactionId()));
    if (command.path("hold").asBoolean()) {
      try {
        released.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return LocalTransactionState.valueOf(command.get("local").asText());
  }

  /** Says what the message's property "outcome" says, if it is asked the "outcomeAt"th time at least. */
  @Override
  public LocalTransactionState checkLocalTransaction(MessageExt message) {
    ObjectNode line = Messages.given(message);
    driver.tell(line.put("event", "checked").put("transactionId", message.getTransactionId()));
    int times = Integer.parseInt(message.getProperty("TRANSACTION_CHECK_TIMES"));
    if (times < Integer.parseInt(message.getUserProperty("outcomeAt"))) return LocalTransactionState.UNKNOW;
    return LocalTransactionState.valueOf(message.getUserProperty("outcome"));
  }
}
