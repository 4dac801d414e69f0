// A group that consumed with RocketMQ goes on with Kafka where it was: both protocols have one table of offsets. All
// members of one protocol go before those of the other come.
//   npm start                                                      in one terminal
//   cd examples/java                                               in another
//   mvn -q dependency:copy-dependencies -DoutputDirectory=jars     (once)
//   java -cp 'jars/*' MovingAGroup.java [KAFKA-ADDRESS NAME-SERVER-ADDRESS]
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

public class MovingAGroup {
  private static final String TOPIC = "payments";
  private static final String GROUP = "bookkeeping";

  public static void main(String[] args) throws Exception {
    String kafka = args.length > 0 ? args[0] : "127.0.0.1:9092";
    String nameServer = args.length > 1 ? args[1] : "127.0.0.1:9876";

    DefaultMQProducer producer = new DefaultMQProducer("example-payers");
    producer.setNamesrvAddr(nameServer);
    producer.start();
    send(producer, "one", "two", "three");

    CountDownLatch left = new CountDownLatch(3);
    DefaultMQPushConsumer before = new DefaultMQPushConsumer(GROUP);
    before.setNamesrvAddr(nameServer);
    before.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    // So that what was consumed last is committed too.
    before.setAwaitTerminationMillisWhenShutdown(10_000);
    before.subscribe(TOPIC, "*");
    before.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      for (MessageExt message : messages) {
        System.out.println("RocketMQ: " + new String(message.getBody(), StandardCharsets.UTF_8));
        left.countDown();
      }
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    before.start();
    left.await();
    before.shutdown();

    send(producer, "four", "five");
    producer.shutdown();

    Properties settings = new Properties();
    settings.put("bootstrap.servers", kafka);
    settings.put("group.id", GROUP);
    settings.put("auto.offset.reset", "earliest");
    try (KafkaConsumer<String, String> after =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      after.subscribe(List.of(TOPIC));
      for (int more = 2; more > 0;) {
        for (ConsumerRecord<String, String> record : after.poll(Duration.ofSeconds(1))) {
          System.out.println("Kafka: " + record.value());
          more--;
        }
      }
    }
    System.exit(0);
  }

  private static void send(DefaultMQProducer producer, String... bodies) throws Exception {
    for (String body : bodies) producer.send(new Message(TOPIC, body.getBytes(StandardCharsets.UTF_8)));
  }
}
