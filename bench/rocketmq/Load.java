import java.util.Arrays;
import java.util.List;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * A load of RocketMQ's own client: produce NAMESRV TOPIC SECONDS WARM-SECONDS BYTES THREADS BATCH, or
 * consume NAMESRV TOPIC COUNT. Prints one JSON line.
 */
public class Load {
  private static final int LATENCIES_MAX = 10_000_000;

  public static void main(String[] words) throws Exception {
    if (words[0].equals("produce")) {
      int[] numbers = Arrays.stream(words).skip(3).mapToInt(Integer::parseInt).toArray();
      produce(words[1], words[2], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]);
    } else {
      consume(words[1], words[2], Integer.parseInt(words[3]));
    }
    System.exit(0);
  }

  /** Synchronous sends, one after the other in each thread. */
  static void produce(String namesrv, String topic, int seconds, int warmSeconds, int bytes, int threads, int batch)
      throws Exception {
    DefaultMQProducer producer = new DefaultMQProducer("bench-producers");
    producer.setNamesrvAddr(namesrv);
    producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
    producer.setSendMsgTimeout(10_000);
    producer.setRetryTimesWhenSendFailed(0);
    producer.start();
    byte[] body = new byte[bytes];
    Arrays.fill(body, (byte) 'x');
    long began = System.nanoTime() + warmSeconds * 1_000_000_000L;
    long end = began + seconds * 1_000_000_000L;
    AtomicLong sent = new AtomicLong();
    AtomicLong all = new AtomicLong();
    AtomicInteger failed = new AtomicInteger();
    long[] latencies = new long[LATENCIES_MAX];
    AtomicInteger measured = new AtomicInteger();
    List<Thread> running = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      Thread thread = new Thread(() -> {
        for (long at = System.nanoTime(); at < end; at = System.nanoTime()) {
          try {
            boolean isGood = send(producer, topic, body, batch);
            long now = System.nanoTime();
            if (isGood) all.addAndGet(batch);
            else failed.incrementAndGet();
            if (!isGood || at < began || now > end) continue;
            sent.addAndGet(batch);
            int place = measured.getAndIncrement();
            if (place < LATENCIES_MAX) latencies[place] = now - at;
          } catch (Exception e) {
            if (failed.incrementAndGet() == 1) e.printStackTrace();
          }
        }
      });
      thread.start();
      running.add(thread);
    }
    for (Thread thread : running) thread.join();
    int count = Math.min(measured.get(), LATENCIES_MAX);
    long[] sorted = Arrays.copyOf(latencies, count);
    Arrays.sort(sorted);
    System.out.printf("{\"messagesPerSecond\":%.1f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"sent\":%d,\"failed\":%d}%n",
        sent.get() / (double) seconds, sorted[count / 2] / 1e6, sorted[(int) (count * 0.99)] / 1e6, all.get(),
        failed.get());
    producer.shutdown();
  }

  private static boolean send(DefaultMQProducer producer, String topic, byte[] body, int batch) throws Exception {
    if (batch == 1) return producer.send(new Message(topic, "TagA", body)).getSendStatus() == SendStatus.SEND_OK;
    Message[] many = new Message[batch];
    for (int i = 0; i < batch; i++) many[i] = new Message(topic, "TagA", body);
    return producer.send(Arrays.asList(many)).getSendStatus() == SendStatus.SEND_OK;
  }

  /** A push consumer at its defaults reads `count` messages from the first on; timed from the first to the last. */
  static void consume(String namesrv, String topic, int count) throws Exception {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("bench-consumers");
    consumer.setNamesrvAddr(namesrv);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(topic, "*");
    AtomicInteger seen = new AtomicInteger();
    AtomicLong began = new AtomicLong();
    AtomicLong ended = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      began.compareAndSet(0, System.nanoTime());
      for (MessageExt message : messages) if (message.getBody().length == 0) throw new IllegalStateException("empty");
      if (seen.addAndGet(messages.size()) >= count && ended.compareAndSet(0, System.nanoTime())) done.countDown();
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumer.start();
    done.await();
    System.out.printf("{\"messagesPerSecond\":%.1f}%n", count / ((ended.get() - began.get()) / 1e9));
    consumer.shutdown();
  }
}
