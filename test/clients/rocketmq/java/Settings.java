import com.alibaba.fastjson.JSON;
import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.Method;
import java.util.Set;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Settings of topics and groups by RocketMQ's own admin client. Classes have other packages in 4.9 than in 5. */
public final class Settings {
  private final DefaultMQAdminExt admin;

  public Settings(Driver driver) throws Exception {
    admin = driver.patient(new DefaultMQAdminExt(Driver.PATIENCE_MS));
    admin.setInstanceName("settings");
    admin.start();
  }

  public JsonNode topic(JsonNode command) throws Exception {
    return change("createAndUpdateTopicConfig", command);
  }

  public JsonNode group(JsonNode command) throws Exception {
    return change("createAndUpdateSubscriptionGroupConfig", command);
  }

  public JsonNode topicOf(JsonNode command) throws Exception {
    return told(admin.examineTopicConfig(broker(), command.get("topic").asText()));
  }

  public JsonNode groupOf(JsonNode command) throws Exception {
    return told(admin.examineSubscriptionGroupConfig(broker(), command.get("group").asText()));
  }

  public JsonNode deleteTopic(JsonNode command) throws Exception {
    admin.deleteTopicInBroker(Set.of(broker()), command.get("topic").asText());
    return null;
  }

  public JsonNode deleteGroup(JsonNode command) throws Exception {
    admin.deleteSubscriptionGroup(broker(), command.get("group").asText(), true);
    return null;
  }

  /** The first broker there is. */
  private String broker() throws Exception {
    var brokers = admin.examineBrokerClusterInfo().getBrokerAddrTable().values();
    return brokers.iterator().next().selectBrokerAddr();
  }

  /** Gives the setting to a method of an address and a settings' class, whichever it is. */
  private JsonNode change(String name, JsonNode command) throws Exception {
    for (Method method : DefaultMQAdminExt.class.getMethods()) {
      if (!method.getName().equals(name) || method.getParameterCount() != 2) continue;
      Object settings = JSON.parseObject(command.get("settings").toString(), method.getParameterTypes()[1]);
      method.invoke(admin, broker(), settings);
      return null;
    }
    throw new NoSuchMethodException(name);
  }

  private static JsonNode told(Object settings) throws Exception {
    return Driver.JSON.readTree(JSON.toJSONString(settings));
  }
}
