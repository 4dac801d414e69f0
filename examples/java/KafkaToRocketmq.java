// A Kafka producer sends, a RocketMQ push consumer gets what it wants of it.
//   npm start                                                      in one terminal
//   cd examples/java                                               in another
//   mvn -q dependency:copy-dependencies -DoutputDirectory=jars     (once)
//   java -cp 'jars/*' KafkaToRocketmq.java [KAFKA-ADDRESS NAME-SERVER-ADDRESS]
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

public class KafkaToRocketmq {
  public static void main(String[] args) throws Exception {
    String kafka = args.length > 0 ? args[0] : "127.0.0.1:9092";
    String nameServer = args.length > 1 ? args[1] : "127.0.0.1:9876";

    Properties settings = new Properties();
    settings.put("bootstrap.servers", kafka);
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (String reading : List.of("warm:21", "cold:3", "warm:24")) {
        String[] parts = reading.split(":");
        ProducerRecord<String, String> record = new ProducerRecord<>("plant.readings", "key-" + parts[1], parts[1]);
        // A header TAGS is RocketMQ's tag.
        record.headers().add("TAGS", parts[0].getBytes(StandardCharsets.UTF_8));
        RecordMetadata sent = producer.send(record).get();
        System.out.printf("sent %s to %d/%d%n", reading, sent.partition(), sent.offset());
      }
    }

    CountDownLatch left = new CountDownLatch(2);
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("example-listeners");
    consumer.setNamesrvAddr(nameServer);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    // RocketMQ's names have no dots: |2E stands for one.
    consumer.subscribe("plant|2Ereadings", "warm");
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      for (MessageExt message : messages) {
        System.out.printf("got %s of %s, tagged %s, at %d/%d%n", new String(message.getBody(), StandardCharsets.UTF_8),
            message.getKeys(), message.getTags(), message.getQueueId(), message.getQueueOffset());
        left.countDown();
      }
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumer.start();
    left.await();
    consumer.shutdown();
    System.exit(0);
  }
}
