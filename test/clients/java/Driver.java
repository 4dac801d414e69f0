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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;

/** Apache Kafka's own Java client behind the line protocol of test/clients/README.md. */
public final class Driver {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration STEP = Duration.ofMillis(50);

  private final String bootstrap;
  private final PrintStream out;
  private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
  private Admin admin;
  private KafkaConsumer<byte[], byte[]> reader;
  private KafkaConsumer<byte[], byte[]> member;
  private List<ConsumerRecord<byte[], byte[]>> pending = new ArrayList<>();

  private Driver(String bootstrap, PrintStream out) {
    this.bootstrap = bootstrap;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    new Driver(args[0], out).run();
  }

  private void run() throws Exception {
    Thread input = new Thread(() -> {
      try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
        for (String line = in.readLine(); line != null; line = in.readLine()) lines.add(line);
      } catch (Exception e) {
        e.printStackTrace();
      }
      lines.add("");
    });
    input.setDaemon(true);
    input.start();
    while (true) {
      String line = member == null ? lines.take() : lines.poll();
      if (line != null) {
        if (line.isEmpty()) break;
        handle(JSON.readTree(line));
      }
      if (member != null) memberStep();
    }
    Runtime.getRuntime().halt(0);
  }

  private void handle(JsonNode command) {
    ObjectNode reply = JSON.createObjectNode();
    reply.set("id", command.get("id"));
    try {
      reply.set("ok", perform(command.get("do").asText(), command));
    } catch (Throwable e) {
      e.printStackTrace();
      reply.put("error", String.valueOf(e));
    }
    out.println(reply);
  }

  private ObjectNode perform(String verb, JsonNode command) throws Exception {
    switch (verb) {
      case "create-topic": return createTopic(command);
      case "delete-topic":
        admin().deleteTopics(List.of(topicOf(command))).all().get();
        return JSON.createObjectNode();
      case "list-topics": {
        ObjectNode ok = JSON.createObjectNode();
        ArrayNode topics = ok.putArray("topics");
        admin().listTopics().names().get().forEach(topics::add);
        return ok;
      }
      case "describe-topic": {
        TopicDescription is = admin().describeTopics(List.of(topicOf(command))).allTopicNames().get().get(topicOf(command));
        return JSON.createObjectNode().put("partitions", is.partitions().size());
      }
      case "produce": return produce(command);
      case "open": return open(command);
      case "take": return take(command);
      case "close":
        reader.close();
        reader = null;
        return JSON.createObjectNode();
      case "join": return join(command);
      case "leave":
        member.close();
        member = null;
        return JSON.createObjectNode();
      case "committed": return committed(command);
      case "offsets-for-time": return offsets(command, OffsetSpec.forTimestamp(command.get("timestamp").asLong()));
      case "end-offsets": return offsets(command, OffsetSpec.latest());
      default: throw new IllegalArgumentException("unknown verb " + verb);
    }
  }

  private static String topicOf(JsonNode command) {
    return command.get("topic").asText();
  }

  private Admin admin() {
    if (admin == null) admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    return admin;
  }

  private ObjectNode createTopic(JsonNode command) throws Exception {
    NewTopic topic = new NewTopic(topicOf(command), command.get("partitions").asInt(), (short) 1);
    admin().createTopics(List.of(topic)).all().get();
    return JSON.createObjectNode();
  }

  /** Default settings but for the codec: idempotent, acks=all, five requests in flight. */
  private KafkaProducer<byte[], byte[]> producer(String codec) {
    return producers.computeIfAbsent(codec, name -> {
      Properties p = new Properties();
      p.put("bootstrap.servers", bootstrap);
      p.put("compression.type", name);
      p.put("key.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      p.put("value.serializer", "org.apache.kafka.common.serialization.ByteArraySerializer");
      return new KafkaProducer<>(p);
    });
  }

  private ObjectNode produce(JsonNode command) throws Exception {
    KafkaProducer<byte[], byte[]> producer = producer(command.get("codec").asText());
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    for (JsonNode r : command.get("records")) {
      ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(
          topicOf(command), r.get("partition").asInt(), r.get("timestamp").asLong(), bytes(r.get("key")), bytes(r.get("value")));
      for (JsonNode h : r.get("headers")) record.headers().add(h.get(0).asText(), bytes(h.get(1)));
      sent.add(producer.send(record));
    }
    producer.flush();
    ObjectNode ok = JSON.createObjectNode();
    ArrayNode offsets = ok.putArray("offsets");
    for (Future<RecordMetadata> f : sent) offsets.add(f.get().offset());
    return ok;
  }

  private Properties consumerSettings() {
    Properties p = new Properties();
    p.put("bootstrap.servers", bootstrap);
    p.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    p.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
    p.put("auto.offset.reset", "earliest");
    p.put("enable.auto.commit", "false");
    return p;
  }

  private List<TopicPartition> partitionsOf(JsonNode command) throws Exception {
    TopicDescription is = admin().describeTopics(List.of(topicOf(command))).allTopicNames().get().get(topicOf(command));
    List<TopicPartition> all = new ArrayList<>();
    is.partitions().forEach(p -> all.add(new TopicPartition(topicOf(command), p.partition())));
    return all;
  }

  private ObjectNode open(JsonNode command) throws Exception {
    reader = new KafkaConsumer<>(consumerSettings());
    pending = new ArrayList<>();
    List<TopicPartition> partitions = partitionsOf(command);
    reader.assign(partitions);
    if (command.get("from").asText().equals("end")) reader.seekToEnd(partitions);
    else reader.seekToBeginning(partitions);
    ObjectNode ok = JSON.createObjectNode();
    ObjectNode positions = ok.putObject("positions");
    for (TopicPartition p : partitions) positions.put(String.valueOf(p.partition()), reader.position(p));
    return ok;
  }

  private ObjectNode take(JsonNode command) {
    int count = command.get("count").asInt();
    long until = System.nanoTime() + command.get("timeoutMs").asLong() * 1_000_000L;
    while (pending.size() < count && System.nanoTime() < until) reader.poll(STEP).forEach(pending::add);
    ObjectNode ok = JSON.createObjectNode();
    ok.set("records", encode(pending));
    pending = new ArrayList<>();
    return ok;
  }

  private ObjectNode join(JsonNode command) {
    Properties p = consumerSettings();
    p.put("group.id", command.get("group").asText());
    p.put("session.timeout.ms", command.get("sessionTimeoutMs").asText());
    p.put("heartbeat.interval.ms", "1000");
    p.put("metadata.max.age.ms", "1000");
    member = new KafkaConsumer<>(p);
    member.subscribe(List.of(topicOf(command)), new ConsumerRebalanceListener() {
      @Override
      public void onPartitionsRevoked(Collection<TopicPartition> gone) {
        tellAssigned(gone);
      }

      @Override
      public void onPartitionsAssigned(Collection<TopicPartition> come) {
        tellAssigned(List.of());
      }
    });
    return JSON.createObjectNode();
  }

  private void tellAssigned(Collection<TopicPartition> without) {
    ObjectNode event = JSON.createObjectNode().put("event", "assigned");
    ArrayNode list = event.putArray("partitions");
    for (TopicPartition p : member.assignment()) if (!without.contains(p)) list.add(p.partition());
    out.println(event);
  }

  private void memberStep() {
    try {
      ConsumerRecords<byte[], byte[]> got = member.poll(STEP);
      if (got.isEmpty()) return;
      List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
      got.forEach(all::add);
      ObjectNode event = JSON.createObjectNode().put("event", "records");
      event.set("records", encode(all));
      out.println(event);
      member.commitSync();
      Map<String, Long> next = new TreeMap<>();
      for (ConsumerRecord<byte[], byte[]> r : all) next.put(String.valueOf(r.partition()), r.offset() + 1);
      ObjectNode done = JSON.createObjectNode().put("event", "committed");
      done.set("offsets", JSON.valueToTree(next));
      out.println(done);
    } catch (RuntimeException e) {
      e.printStackTrace();
      out.println(JSON.createObjectNode().put("event", "trouble").put("error", String.valueOf(e)));
    }
  }

  private ObjectNode committed(JsonNode command) throws Exception {
    Map<TopicPartition, OffsetAndMetadata> of =
        admin().listConsumerGroupOffsets(command.get("group").asText()).partitionsToOffsetAndMetadata().get();
    ObjectNode ok = JSON.createObjectNode();
    ObjectNode offsets = ok.putObject("offsets");
    for (TopicPartition p : partitionsOf(command)) {
      OffsetAndMetadata at = of.get(p);
      offsets.put(String.valueOf(p.partition()), at == null ? -1 : at.offset());
    }
    return ok;
  }

  private ObjectNode offsets(JsonNode command, OffsetSpec spec) throws Exception {
    Map<TopicPartition, OffsetSpec> ask = new HashMap<>();
    for (TopicPartition p : partitionsOf(command)) ask.put(p, spec);
    ObjectNode ok = JSON.createObjectNode();
    ObjectNode offsets = ok.putObject("offsets");
    admin().listOffsets(ask).all().get().forEach((p, is) -> offsets.put(String.valueOf(p.partition()), is.offset()));
    return ok;
  }

  private static byte[] bytes(JsonNode text) {
    return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
  }

  private static String text(byte[] bytes) {
    return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
  }

  private static ArrayNode encode(List<ConsumerRecord<byte[], byte[]>> records) {
    ArrayNode list = JSON.createArrayNode();
    for (ConsumerRecord<byte[], byte[]> r : records) {
      ObjectNode o = list.addObject();
      o.put("partition", r.partition()).put("offset", r.offset()).put("timestamp", r.timestamp());
      o.put("key", text(r.key())).put("value", text(r.value()));
      ArrayNode headers = o.putArray("headers");
      for (Header h : r.headers()) headers.addArray().add(h.key()).add(text(h.value()));
    }
    return list;
  }
}
