import java.util.Arrays;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** What mqadmin and the dashboard ask, for the capture of their frames: CaptureTools.java NAMESRV BROKER. */
public class CaptureTools {
  static String namesrv;
  static final String topic = "tooled";
  static final String group = "tooled-group";

  interface Step {
    void run() throws Throwable;
  }

  static void step(String name, Step step) {
    System.out.println("  " + name);
    try {
      step.run();
    } catch (Throwable error) {
      System.out.println("  " + name + ": " + error);
    }
  }

  /** One command of mqadmin. */
  static void tool(String... words) {
    String[] all = Arrays.copyOf(words, words.length + 2);
    all[words.length] = "-n";
    all[words.length + 1] = namesrv;
    step(String.join(" ", words), () -> MQAdminStartup.main0(all, null));
  }

  static MQClientAPIImpl api(DefaultMQAdminExt admin) {
    return admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl();
  }

  public static void main(String[] args) throws Exception {
    namesrv = args[0];
    String broker = args[1];
    String cluster = "DefaultCluster";
    tool("updateTopic", "-c", cluster, "-t", topic, "-r", "2", "-w", "2", "-a", "+message.type=NORMAL");
    tool("updateSubGroup", "-c", cluster, "-g", group);
    DefaultMQProducer producer = new DefaultMQProducer("tooled-producer");
    producer.setNamesrvAddr(namesrv);
    producer.start();
    Thread.sleep(1500);
    SendResult sent = null;
    for (int i = 0; i < 4; i++) sent = producer.send(new Message(topic, "TagA", "tool-key", ("m" + i).getBytes()));
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(namesrv);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
    consumer.start();
    String client = consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    Thread.sleep(12_000);
    tool("clusterList");
    tool("topicList");
    tool("topicRoute", "-t", topic);
    tool("topicStatus", "-t", topic);
    tool("topicClusterList", "-t", topic);
    tool("updateTopicPerm", "-c", cluster, "-t", topic, "-p", "6");
    tool("consumerProgress", "-g", group);
    tool("consumerStatus", "-g", group);
    tool("consumerConnection", "-g", group);
    tool("producerConnection", "-g", "tooled-producer", "-t", topic);
    tool("producer", "-b", broker);
    tool("getConsumerConfig", "-g", group);
    tool("queryMsgById", "-t", topic, "-i", sent.getOffsetMsgId());
    tool("queryMsgByKey", "-t", topic, "-k", "tool-key");
    tool("queryMsgByUniqueKey", "-t", topic, "-i", sent.getMsgId());
    tool("queryMsgByOffset", "-t", topic, "-b", "broker-a", "-i", "0", "-o", "0");
    tool("queryCq", "-t", topic, "-q", "0", "-i", "0", "-c", "3", "-b", broker, "-g", group);
    tool("brokerStatus", "-b", broker);
    tool("brokerConsumeStats", "-b", broker);
    tool("getBrokerConfig", "-b", broker);
    tool("updateBrokerConfig", "-b", broker, "-k", "traceTopicEnable", "-v", "false");
    tool("getNamesrvConfig");
    tool("updateNamesrvConfig", "-k", "capture", "-v", "1");
    tool("statsAll", "-t", topic);
    tool("updateKvConfig", "-s", "space", "-k", "name", "-v", "value");
    tool("deleteKvConfig", "-s", "space", "-k", "name");
    tool("updateOrderConf", "-t", topic, "-m", "put", "-v", "broker-a:2");
    tool("updateOrderConf", "-t", topic, "-m", "get");
    tool("updateOrderConf", "-t", topic, "-m", "delete");
    tool("wipeWritePerm", "-b", "broker-a");
    tool("addWritePerm", "-b", "broker-a");
    tool("setConsumeMode", "-c", cluster, "-t", topic, "-g", group, "-m", "PULL");
    DefaultMQAdminExt admin = new DefaultMQAdminExt(20_000L);
    admin.setNamesrvAddr(namesrv);
    admin.start();
    String message = sent.getMsgId();
    step("307", () -> admin.getConsumerRunningInfo(group, client, false));
    step("309", () -> admin.consumeMessageDirectly(group, client, topic, message));
    step("221, 223", () -> admin.getConsumeStatus(topic, group, ""));
    step("300", () -> admin.queryTopicConsumeByWho(topic));
    step("343", () -> admin.queryTopicsByConsumer(group));
    step("345", () -> admin.querySubscription(group, topic));
    step("303", () -> admin.queryConsumeTimeSpan(topic, group));
    step("201", () -> admin.getAllSubscriptionGroup(broker, 5000));
    step("352", () -> admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl().getSubscriptionGroupConfig(broker, group, 5000));
    step("21", () -> admin.getAllTopicConfig(broker, 5000));
    step("351", () -> admin.examineTopicConfig(broker, topic));
    step("315", () -> admin.viewBrokerStatsData(broker, "TOPIC_PUT_NUMS", topic));
    step("224", () -> admin.fetchTopicsByCLuster(cluster));
    step("304, 305", () -> admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl().getSystemTopicList(5000));
    step("311", () -> api(admin).getUnitTopicList(false, 5000));
    step("312", () -> api(admin).getHasUnitSubTopicList(false, 5000));
    step("313", () -> api(admin).getHasUnitSubUnUnitTopicList(false, 5000));
    tool("cleanExpiredCQ", "-b", broker);
    tool("cleanUnusedTopic", "-b", broker);
    tool("deleteExpiredCommitLog", "-b", broker);
    // What slaves ask of their master.
    for (int code : new int[] {43, 45}) step("" + code, () -> api(admin).getRemotingClient().invokeSync(broker, RemotingCommand.createRequestCommand(code, null), 5000));
    step("219", () -> admin.getKVListByNamespace("ORDER_TOPIC_CONFIG"));
    step("29", () -> admin.searchOffset(new MessageQueue(topic, "broker-a", 0), 0));
    step("18", () -> admin.createAndUpdateTopicConfigList(broker, Arrays.asList(admin.examineTopicConfig(broker, topic))));
    step("225", () -> admin.createAndUpdateSubscriptionGroupConfigList(broker, Arrays.asList(admin.examineSubscriptionGroupConfig(broker, group))));
    step("314", () -> admin.cloneGroupOffset(group, "other-group", topic, false));
    tool("resetOffsetByTime", "-g", group, "-t", topic, "-s", "-1");
    tool("updateBrokerConfig", "-b", broker, "-k", "useServerSideResetOffset", "-v", "false");
    tool("resetOffsetByTime", "-g", group, "-t", topic, "-s", "-1");
    tool("updateBrokerConfig", "-b", broker, "-k", "useServerSideResetOffset", "-v", "true");
    step("queue reset", () -> admin.resetOffsetByQueueId(broker, group, topic, 0, 1));
    Thread.sleep(1000);
    consumer.shutdown();
    tool("skipAccumulatedMessage", "-g", group, "-t", topic);
    tool("consumerConnection", "-g", group);
    tool("deleteSubGroup", "-c", cluster, "-g", group);
    tool("deleteTopic", "-c", cluster, "-t", topic);
    admin.shutdown();
    producer.shutdown();
    System.exit(0);
  }
}
