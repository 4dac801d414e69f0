import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * RocketMQ's admin tools in one JVM: Mqadmin NAMESRV. Reads a JSON command a line. {"id":1,"tool":["topicList"]} runs a
 * command of mqadmin and answers what it printed; {"id":2,"call":"examineTopicStats","arguments":["t"]} calls the admin
 * client that the dashboard is built on and answers what it returned, as JSON. It holds no expectation.
 */
public class Mqadmin {
  static final PrintStream answers = System.out;
  static final PrintStream troubles = System.err;

  public static void main(String[] arguments) throws Exception {
    String namesrv = arguments[0];
    System.setProperty("rocketmq.namesrv.addr", namesrv);
    DefaultMQAdminExt admin = new DefaultMQAdminExt(20_000L);
    admin.setNamesrvAddr(namesrv);
    admin.setInstanceName("calls");
    admin.start();
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      JSONObject command = JSON.parseObject(line);
      Map<String, Object> answer = new LinkedHashMap<>();
      answer.put("id", command.getIntValue("id"));
      try {
        if (command.containsKey("tool")) answer.put("ok", output(command.getJSONArray("tool").toArray(new String[0]), namesrv));
        else answer.put("ok", plain(call(admin, command.getString("call"), command.getJSONArray("arguments"))));
      } catch (Throwable error) {
        answer.put("error", String.valueOf(error));
      }
      answers.println(JSON.toJSONString(answer, SerializerFeature.WriteMapNullValue, SerializerFeature.DisableCircularReferenceDetect));
      answers.flush();
    }
    System.exit(0);
  }

  /** What a command prints, errors too. */
  static String output(String[] words, String namesrv) throws Exception {
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(printed, true, "UTF-8");
    System.setOut(stream);
    System.setErr(stream);
    try {
      String[] all = Arrays.copyOf(words, words.length + 2);
      all[words.length] = "-n";
      all[words.length + 1] = namesrv;
      // Commands keep the clients that they shut down.
      Tools.forget();
      MQAdminStartup.main0(all, null);
    } finally {
      System.setOut(answers);
      System.setErr(troubles);
    }
    return printed.toString("UTF-8");
  }

  /** The method of that name that takes so many arguments of these kinds. */
  static Object call(DefaultMQAdminExt admin, String name, JSONArray arguments) throws Throwable {
    for (Method method : DefaultMQAdminExt.class.getMethods()) {
      if (!method.getName().equals(name) || method.getParameterCount() != arguments.size()) continue;
      Object[] values = new Object[arguments.size()];
      if (!fits(method, arguments, values)) continue;
      try {
        return method.invoke(admin, values);
      } catch (InvocationTargetException error) {
        throw error.getCause();
      }
    }
    throw new IllegalArgumentException("no " + name + " with " + arguments.size() + " such arguments");
  }

  static boolean fits(Method method, JSONArray arguments, Object[] values) {
    for (int i = 0; i < values.length; i++) {
      Class<?> type = method.getParameterTypes()[i];
      Object given = arguments.get(i);
      boolean isNumber = type == int.class || type == long.class || type == Long.class;
      boolean fits = given == null ? !type.isPrimitive()
          : given instanceof String ? type == String.class
          : given instanceof Boolean ? type == boolean.class
          : given instanceof Number ? isNumber
          : type != String.class && !type.isPrimitive();
      if (!fits) return false;
      values[i] = arguments.getObject(i, method.getGenericParameterTypes()[i]);
    }
    return true;
  }

  /** As JSON has it: keys sorted, and those that are objects as their JSON; of a message what users look at. */
  static Object plain(Object value) {
    if (value instanceof MessageExt) return messageOf((MessageExt) value);
    if (value instanceof Iterable && !(value instanceof JSONArray)) {
      JSONArray all = new JSONArray();
      for (Object one : (Iterable<?>) value) all.add(plain(one));
      return all;
    }
    if (value instanceof JSONArray) return ((JSONArray) value).stream().map(Mqadmin::plain).collect(Collectors.toList());
    if (value instanceof JSONObject) {
      Map<String, Object> sorted = new TreeMap<>();
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        Object key = entry.getKey();
        String name = key instanceof JSONObject ? JSON.toJSONString(plain(key)) : String.valueOf(key);
        sorted.put(name, plain(entry.getValue()));
      }
      return sorted;
    }
    if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean) return value;
    if (value instanceof Enum) return value.toString();
    if (value instanceof byte[]) return new String((byte[]) value, StandardCharsets.UTF_8);
    return plain(JSON.parse(JSON.toJSONString(value, SerializerFeature.DisableCircularReferenceDetect)));
  }

  static class Tools extends MQAdminStartup {
    static void forget() {
      SUB_COMMANDS.clear();
    }
  }

  static Map<String, Object> messageOf(MessageExt message) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("topic", message.getTopic());
    told.put("queue", message.getQueueId());
    told.put("offset", message.getQueueOffset());
    told.put("id", message.getMsgId());
    told.put("body", new String(message.getBody(), StandardCharsets.UTF_8));
    told.put("properties", message.getProperties());
    return told;
  }
}
