// A RocketMQ producer sends, a Kafka consumer reads.
//   npm start                                                      in one terminal
//   cd examples/java                                               in another
//   mvn -q dependency:copy-dependencies -DoutputDirectory=jars     (once)
//   java -cp 'jars/*' RocketmqToKafka.java [KAFKA-ADDRESS NAME-SERVER-ADDRESS]
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

public class RocketmqToKafka {
  public static void main(String[] args) throws Exception {
    String kafka = args.length > 0 ? args[0] : "127.0.0.1:9092";
    String nameServer = args.length > 1 ? args[1] : "127.0.0.1:9876";

    DefaultMQProducer producer = new DefaultMQProducer("example-producers");
    producer.setNamesrvAddr(nameServer);
    producer.start();
    for (String order : List.of("apples", "pears", "plums")) {
      Message message = new Message("orders", "fruit", "key-" + order, order.getBytes(StandardCharsets.UTF_8));
      SendResult sent = producer.send(message);
      System.out.printf("sent %s to %d/%d%n", order, sent.getMessageQueue().getQueueId(), sent.getQueueOffset());
    }
    producer.shutdown();

    Properties settings = new Properties();
    settings.put("bootstrap.servers", kafka);
    settings.put("group.id", "example-readers");
    settings.put("auto.offset.reset", "earliest");
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of("orders"));
      for (int left = 3; left > 0;) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          // Keys are RocketMQ's KEYS, headers its properties; queue and offset are the same numbers.
          String tag = new String(record.headers().lastHeader("TAGS").value(), StandardCharsets.UTF_8);
          System.out.printf("read %s of %s, tagged %s, at %d/%d%n",
              record.value(), record.key(), tag, record.partition(), record.offset());
          left--;
        }
      }
    }
    System.exit(0);
  }
}
