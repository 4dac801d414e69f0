import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** RocketMQ's own Java client behind a line protocol: test/clients/rocketmq/driver.ts has the commands. */
public final class RocketmqDriver {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String namesrv;
  private final PrintStream out;
  private DefaultMQProducer producer;
  private DefaultMQPushConsumer consumer;

  private RocketmqDriver(String namesrv, PrintStream out) {
    this.namesrv = namesrv;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    new RocketmqDriver(args[0], out).run();
    System.exit(0);
  }

  private void run() throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode command = JSON.readTree(line);
      ObjectNode answer = JSON.createObjectNode();
      answer.set("id", command.get("id"));
      try {
        answer.set("ok", handle(command));
      } catch (Throwable e) {
        answer.put("error", e.toString());
      }
      tell(answer);
    }
  }

  private synchronized void tell(ObjectNode line) {
    out.println(line);
  }

  private JsonNode handle(JsonNode command) throws Exception {
    switch (command.get("do").asText()) {
      case "send":
        return send(command);
      case "consume":
        return consume(command);
      case "stop":
        consumer.shutdown();
        consumer = null;
        return JSON.createObjectNode();
      default:
        throw new IllegalArgumentException("unknown command " + command);
    }
  }

  private JsonNode send(JsonNode command) throws Exception {
    if (producer == null) {
      producer = new DefaultMQProducer("isthmus-test-producer");
      producer.setNamesrvAddr(namesrv);
      producer.setPollNameServerInterval(1000);
      producer.start();
    }
    List<Message> messages = new ArrayList<>();
    for (JsonNode one : command.get("messages")) messages.add(messageOf(command.get("topic").asText(), one));
    ArrayNode results = JSON.createArrayNode();
    switch (command.get("how").asText()) {
      case "batch":
        results.add(resultOf(producer.send(messages)));
        break;
      case "async":
        List<CompletableFuture<SendResult>> sent = new ArrayList<>();
        for (Message message : messages) sent.add(sendAsync(message));
        for (CompletableFuture<SendResult> one : sent) results.add(resultOf(one.get()));
        break;
      case "oneway":
        for (Message message : messages) producer.sendOneway(message);
        break;
      default:
        int i = 0;
        for (Message message : messages) {
          JsonNode queue = command.get("messages").get(i++).get("queue");
          results.add(resultOf(queue == null ? producer.send(message)
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

  private static Message messageOf(String topic, JsonNode one) {
    Message message = new Message(topic, Base64.getDecoder().decode(one.get("body").asText()));
    if (one.has("tag")) message.setTags(one.get("tag").asText());
    if (one.has("keys")) message.setKeys(one.get("keys").asText());
    if (one.has("properties")) {
      for (Iterator<Map.Entry<String, JsonNode>> all = one.get("properties").fields(); all.hasNext();) {
        Map.Entry<String, JsonNode> property = all.next();
        message.putUserProperty(property.getKey(), property.getValue().asText());
      }
    }
    return message;
  }

  private static ObjectNode resultOf(SendResult result) {
    return JSON.createObjectNode()
        .put("status", result.getSendStatus().name())
        .put("uniqueKey", result.getMsgId())
        .put("offsetId", result.getOffsetMsgId())
        .put("queue", result.getMessageQueue().getQueueId())
        .put("offset", result.getQueueOffset());
  }

  private JsonNode consume(JsonNode command) throws Exception {
    consumer = new DefaultMQPushConsumer(command.get("group").asText());
    consumer.setNamesrvAddr(namesrv);
    consumer.setPollNameServerInterval(1000);
    consumer.setHeartbeatBrokerInterval(1000);
    consumer.setPersistConsumerOffsetInterval(1000);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(command.get("topic").asText(), command.get("subscription").asText());
    boolean orderly = command.get("orderly").asBoolean();
    if (orderly) {
      consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
        for (MessageExt message : messages) given(message);
        return ConsumeOrderlyStatus.SUCCESS;
      });
    } else {
      consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
        for (MessageExt message : messages) given(message);
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
      });
    }
    consumer.start();
    return JSON.createObjectNode();
  }

  private void given(MessageExt message) {
    ObjectNode properties = JSON.createObjectNode();
    new TreeMap<>(message.getProperties()).forEach(properties::put);
    byte[] body = message.getBody();
    ObjectNode line = JSON.createObjectNode()
        .put("event", "message")
        .put("topic", message.getTopic())
        .put("queue", message.getQueueId())
        .put("offset", message.getQueueOffset())
        .put("uniqueKey", message.getMsgId())
        .put("bornMs", message.getBornTimestamp())
        .put("body", body == null ? "" : Base64.getEncoder().encodeToString(body));
    line.set("properties", properties);
    tell(line);
  }
}
