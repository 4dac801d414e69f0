import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.compression.CompressionType;

/** Sends whose bodies the client compresses; 4.9 knows zlib only. */
public final class Compressed {
  private final Driver driver;

  public Compressed(Driver driver) {
    this.driver = driver;
  }

  /** Sends each message with `type`: ZLIB, LZ4 or ZSTD. */
  public JsonNode send(JsonNode command) throws Exception {
    String type = command.get("type").asText();
    DefaultMQProducer producer = driver.patient(new DefaultMQProducer("isthmus-test-" + type));
    producer.setSendMsgTimeout(Driver.PATIENCE_MS);
    producer.setInstanceName(type);
    producer.setCompressType(CompressionType.of(type));
    producer.setCompressMsgBodyOverHowmuch(16);
    producer.start();
    try {
      ArrayNode results = Driver.JSON.createArrayNode();
      for (JsonNode one : command.get("messages")) {
        results.add(Messages.result(producer.send(Messages.of(command.get("topic").asText(), one))));
      }
      return results;
    } finally {
      producer.shutdown();
    }
  }
}
