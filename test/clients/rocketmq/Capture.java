import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What a RocketMQ client does, for the capture of its frames (capture-rocketmq.ts): Capture.java NAMESRV. Clients 4.9 and 5.x. */
public class Capture {
  static String namesrv;
  static final String topic = "capture";

  interface Step {
    void run() throws Throwable;
  }

  static void step(String name, Step step) {
    try {
      step.run();
      System.out.println("  " + name);
    } catch (Throwable error) {
      System.out.println("  " + name + ": " + error);
    }
  }

  public static void main(String[] args) throws Exception {
    namesrv = args[0];
    DefaultMQProducer producer = new DefaultMQProducer("producers");
    producer.setNamesrvAddr(namesrv);
    producer.setSendMsgTimeout(10_000);
    producer.start();
    step("create", () -> createTopic(producer));
    step("sends", () -> sends(producer));
    step("look-ups", () -> lookUps(producer));
    step("recall", () -> recall(producer));
    step("push", () -> push(producer, false));
    step("orderly", () -> orderly(producer));
    step("sql", () -> sql(producer));
    step("request", () -> request(producer));
    step("pop assignment", () -> push(producer, true));
    step("lite pull", () -> litePull());
    step("pull", () -> pull());
    step("transaction", () -> transaction());
    producer.shutdown();
    System.exit(0);
  }

  static Message message(String tag, String key, String body) {
    return new Message(topic, tag, key, body.getBytes());
  }

  static void createTopic(DefaultMQProducer producer) throws Throwable {
    for (Method method : producer.getClass().getMethods()) {
      if (!method.getName().equals("createTopic")) continue;
      Class<?>[] types = method.getParameterTypes();
      if (types.length == 3) method.invoke(producer, "TBW102", topic, 2);
      else if (types.length == 4 && types[3] != int.class) method.invoke(producer, "TBW102", topic, 2, null);
      else continue;
      break;
    }
    Thread.sleep(1500);
  }

  static void sends(DefaultMQProducer producer) throws Throwable {
    producer.send(message("TagA", "key-1", "hello"));
    producer.sendOneway(message("TagA", "key-2", "one way"));
    CountDownLatch done = new CountDownLatch(1);
    producer.send(message("TagB", "key-3", "async"), new SendCallback() {
      public void onSuccess(SendResult result) {
        done.countDown();
      }

      public void onException(Throwable error) {
        done.countDown();
      }
    });
    done.await(10, TimeUnit.SECONDS);
    List<Message> batch = new ArrayList<>();
    for (int i = 0; i < 3; i++) batch.add(message("TagA", "batch-" + i, "batch " + i));
    producer.send(batch);
    Message delayed = message("TagA", "delayed", "later");
    delayed.setDelayTimeLevel(1);
    producer.send(delayed);
    byte[] large = new byte[5000];
    Arrays.fill(large, (byte) 'z');
    producer.send(new Message(topic, "TagA", "large", large));
    step("unknown topic without route", () -> producer.send(new Message("%nosuch", "x".getBytes())));
  }

  static void lookUps(DefaultMQProducer producer) throws Throwable {
    SendResult result = producer.send(message("TagA", "look-up", "found"));
    MessageQueue queue = result.getMessageQueue();
    Thread.sleep(1500);
    producer.viewMessage(topic, result.getMsgId());
    producer.viewMessage(topic, result.getOffsetMsgId());
    producer.queryMessage(topic, "look-up", 8, 0, Long.MAX_VALUE);
    step("no such key", () -> producer.queryMessage(topic, "nosuchkey", 8, 0, System.currentTimeMillis()));
    producer.searchOffset(queue, System.currentTimeMillis() - 60_000);
    producer.maxOffset(queue);
    producer.minOffset(queue);
    producer.earliestMsgStoreTime(queue);
  }

  static void recall(DefaultMQProducer producer) throws Throwable {
    Message timed = message("TagA", "timed", "recalled");
    timed.getClass().getMethod("setDelayTimeMs", long.class).invoke(timed, 3_600_000L);
    SendResult result = producer.send(timed);
    Object handle = result.getClass().getMethod("getRecallHandle").invoke(result);
    producer.getClass().getMethod("recallMessage", String.class, String.class).invoke(producer, topic, handle);
  }

  static DefaultMQPushConsumer pushConsumer(String group) {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(namesrv);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    return consumer;
  }

  /** One message fails once, so that it is sent back. A second member makes the broker tell the first. */
  static void push(DefaultMQProducer producer, boolean brokerDivides) throws Throwable {
    String group = brokerDivides ? "divided" : "pushed";
    DefaultMQPushConsumer consumer = pushConsumer(group);
    if (brokerDivides) consumer.getClass().getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
    consumer.subscribe(topic, "TagA || TagB");
    CountDownLatch seen = new CountDownLatch(5);
    AtomicInteger failures = new AtomicInteger();
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      messages.forEach(message -> seen.countDown());
      return failures.getAndIncrement() == 0 ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumer.start();
    seen.await(20, TimeUnit.SECONDS);
    if (!brokerDivides) {
      DefaultMQPushConsumer second = pushConsumer(group);
      second.setInstanceName("second");
      second.subscribe(topic, "TagA || TagB");
      second.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
      second.start();
      Thread.sleep(3000);
      second.shutdown();
      // Offsets are stored every 5 s, from the tenth on.
      Thread.sleep(8000);
    }
    consumer.shutdown();
  }

  static void orderly(DefaultMQProducer producer) throws Throwable {
    DefaultMQPushConsumer consumer = pushConsumer("ordered");
    consumer.subscribe(topic, "*");
    CountDownLatch seen = new CountDownLatch(3);
    consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
      messages.forEach(message -> seen.countDown());
      return ConsumeOrderlyStatus.SUCCESS;
    });
    consumer.start();
    seen.await(20, TimeUnit.SECONDS);
    consumer.shutdown();
  }

  static void sql(DefaultMQProducer producer) throws Throwable {
    DefaultMQPushConsumer consumer = pushConsumer("selecting");
    consumer.subscribe(topic, MessageSelector.bySql("a > 5 AND TAGS IS NOT NULL"));
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
    consumer.start();
    Message message = message("TagA", "sql", "selected");
    message.putUserProperty("a", "6");
    producer.send(message);
    Thread.sleep(1500);
    consumer.shutdown();
  }

  static void request(DefaultMQProducer producer) throws Throwable {
    DefaultMQPushConsumer consumer = pushConsumer("replying");
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
    consumer.subscribe("asked", "*");
    DefaultMQProducer replier = new DefaultMQProducer("repliers");
    replier.setNamesrvAddr(namesrv);
    replier.start();
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      for (MessageExt message : messages) step("reply", () -> replier.send(MessageUtil.createReplyMessage(message, "answer".getBytes()), 5000));
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    producer.send(new Message("asked", "first".getBytes()));
    consumer.start();
    Thread.sleep(3000);
    heartbeat(producer);
    CountDownLatch done = new CountDownLatch(1);
    producer.request(new Message("asked", "question".getBytes()), (queues, message, arg) -> queues.get(0), null, new RequestCallback() {
      public void onSuccess(Message message) {
        done.countDown();
      }

      public void onException(Throwable error) {
        System.out.println("  " + error);
        done.countDown();
      }
    }, 10_000);
    done.await(15, TimeUnit.SECONDS);
    consumer.shutdown();
    replier.shutdown();
  }

  /** The broker finds the asker by its heartbeats, of which the next one may be half a minute away. */
  static void heartbeat(DefaultMQProducer producer) throws Throwable {
    Object inner = producer.getDefaultMQProducerImpl();
    for (Method method : inner.getClass().getMethods()) {
      if (!method.getName().equalsIgnoreCase("getMQClientFactory")) continue;
      Object instance = method.invoke(inner);
      instance.getClass().getMethod("sendHeartbeatToAllBrokerWithLock").invoke(instance);
    }
  }

  static void litePull() throws Throwable {
    DefaultLitePullConsumer consumer = new DefaultLitePullConsumer("lite");
    consumer.setNamesrvAddr(namesrv);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(topic, "*");
    consumer.start();
    for (int i = 0; i < 10 && consumer.poll(1000).isEmpty(); i++) Thread.sleep(100);
    step("commit", () -> consumer.commitSync());
    Thread.sleep(1000);
    consumer.shutdown();
  }

  @SuppressWarnings("deprecation")
  static void pull() throws Throwable {
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("pulled");
    consumer.setNamesrvAddr(namesrv);
    consumer.start();
    for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
      consumer.pull(queue, "TagA", 0, 4);
      consumer.pull(queue, "*", 1_000_000, 4);
      consumer.fetchConsumeOffset(queue, true);
      consumer.updateConsumeOffset(queue, 1);
      consumer.getOffsetStore().updateConsumeOffsetToBroker(queue, 1, false);
    }
    consumer.shutdown();
  }

  static void transaction() throws Throwable {
    TransactionMQProducer producer = new TransactionMQProducer("transactions");
    producer.setNamesrvAddr(namesrv);
    CountDownLatch checked = new CountDownLatch(1);
    producer.setTransactionListener(new TransactionListener() {
      public LocalTransactionState executeLocalTransaction(Message message, Object state) {
        return (LocalTransactionState) state;
      }

      public LocalTransactionState checkLocalTransaction(MessageExt message) {
        checked.countDown();
        return LocalTransactionState.ROLLBACK_MESSAGE;
      }
    });
    producer.start();
    producer.sendMessageInTransaction(message("TagA", "committed", "half"), LocalTransactionState.COMMIT_MESSAGE);
    producer.sendMessageInTransaction(message("TagA", "unknown", "half"), LocalTransactionState.UNKNOW);
    checked.await(40, TimeUnit.SECONDS);
    Thread.sleep(500);
    producer.shutdown();
  }
}
