import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.PosixParser;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.srvutil.ServerUtil;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.command.SubCommand;

/** RocketMQ's admin tools: the commands of mqadmin, and the admin client that its dashboard is built on. */
public final class Mqadmin {
  /** A tool's client is named after the millisecond it was made in; two of one name would share what the first shuts down. */
  private static final long APART_MS = 20;

  private static final Pattern HINDERED =
      Pattern.compile("has created already|Remoting(Timeout|SendRequest|Connect)Exception");

  private final Driver driver;
  private final PrintedByThread printed;
  private DefaultMQAdminExt admin;

  public Mqadmin(Driver driver) {
    this.driver = driver;
    System.setProperty(MixAll.NAMESRV_ADDR_PROPERTY, driver.namesrv);
    printed = new PrintedByThread(System.err);
    PrintStream stream = new PrintStream(printed, true, StandardCharsets.UTF_8);
    System.setOut(stream);
    System.setErr(stream);
  }

  /** Runs mqadmin with these words; answers all that it prints, its errors too. */
  public JsonNode tool(JsonNode command) throws Exception {
    String[] words = Driver.JSON.convertValue(command.get("words"), String[].class);
    String output = run(words);
    // Two began in the same millisecond after all, or the machine was too busy for the 3 s that a tool waits.
    for (int tries = 0; tries < 5 && HINDERED.matcher(output).find(); tries++) output = run(words);
    return Driver.JSON.getNodeFactory().textNode(output);
  }

  private String run(String[] words) throws Exception {
    String[] options = Arrays.copyOfRange(words, 1, words.length);
    SubCommand tool = Tools.newTool(words[0]);
    Options known = tool.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
    ByteArrayOutputStream output = new ByteArrayOutputStream();
    printed.begin(output);
    try (Hurried end = new Hurried(Thread.currentThread())) {
      CommandLine line = ServerUtil.parseCmdLine("mqadmin " + words[0], options, known, new PosixParser());
      tool.execute(line, known, null);
    } catch (Throwable error) {
      error.printStackTrace();
    } finally {
      printed.end();
    }
    return output.toString(StandardCharsets.UTF_8);
  }

  /** Who of the groups that subscribed to a message's topic has consumed it; the message by its offset id. */
  public JsonNode track(JsonNode command) throws Throwable {
    MessageExt message = admin().viewMessage(command.get("topic").asText(), command.get("messageId").asText());
    return Driver.JSON.readTree(JSON.toJSONString(plain(admin().messageTrackDetail(message))));
  }

  /** Calls a method of the admin client; answers what it returns, as JSON. */
  public JsonNode call(JsonNode command) throws Throwable {
    JSONArray arguments = JSON.parseArray(command.get("arguments").toString());
    Object result = plain(callMethod(command.get("method").asText(), arguments));
    return Driver.JSON.readTree(JSON.toJSONString(result, SerializerFeature.WriteMapNullValue, SerializerFeature.DisableCircularReferenceDetect));
  }

  private synchronized DefaultMQAdminExt admin() throws Exception {
    if (admin == null) {
      admin = driver.patient(new DefaultMQAdminExt(Driver.PATIENCE_MS));
      admin.setInstanceName("calls");
      admin.start();
    }
    return admin;
  }

  private Object callMethod(String name, JSONArray arguments) throws Throwable {
    for (Method method : DefaultMQAdminExt.class.getMethods()) {
      if (!method.getName().equals(name) || method.getParameterCount() != arguments.size()) continue;
      Object[] values = new Object[arguments.size()];
      if (!fits(method, arguments, values)) continue;
      try {
        return method.invoke(admin(), values);
      } catch (InvocationTargetException error) {
        throw error.getCause();
      }
    }
    throw new IllegalArgumentException("no " + name + " with " + arguments.size() + " such arguments");
  }

  private static boolean fits(Method method, JSONArray arguments, Object[] values) {
    for (int i = 0; i < values.length; i++) {
      Class<?> type = method.getParameterTypes()[i];
      Object given = arguments.get(i);
      boolean isNumber = type == int.class || type == long.class || type == Long.class || type == Integer.class;
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

  /** As JSON has it: keys that are objects as their JSON; of a message what users look at. */
  private static Object plain(Object value) {
    if (value instanceof MessageExt) return messageOf((MessageExt) value);
    if (value instanceof QueryResult) return plain(((QueryResult) value).getMessageList());
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
    if (value instanceof Iterable) {
      JSONArray all = new JSONArray();
      for (Object one : (Iterable<?>) value) all.add(plain(one));
      return all;
    }
    if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean) return value;
    if (value instanceof Enum) return value.toString();
    return plain(JSON.parse(JSON.toJSONString(value, SerializerFeature.DisableCircularReferenceDetect)));
  }

  private static Map<String, Object> messageOf(MessageExt message) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("topic", message.getTopic());
    told.put("queue", message.getQueueId());
    told.put("offset", message.getQueueOffset());
    told.put("uniqueKey", message.getMsgId());
    told.put("body", new String(message.getBody(), StandardCharsets.UTF_8));
    told.put("properties", message.getProperties());
    return told;
  }

  /** The list of tools is a field that only heirs see, and of another name in 4.9 than in 5. */
  private static final class Tools {
    /** A fresh one: tools keep clients that they have shut down. */
    static synchronized SubCommand newTool(String name) throws Exception {
      Thread.sleep(APART_MS);
      List<SubCommand> all = all();
      all.clear();
      MQAdminStartup.initCommand();
      for (SubCommand tool : all) if (tool.commandName().equals(name)) return tool;
      throw new IllegalArgumentException("mqadmin has no " + name);
    }

    @SuppressWarnings("unchecked")
    private static List<SubCommand> all() throws Exception {
      for (Field field : MQAdminStartup.class.getDeclaredFields()) {
        if (field.getType() != List.class) continue;
        field.setAccessible(true);
        return (List<SubCommand>) field.get(null);
      }
      throw new NoSuchFieldException("a list of tools");
    }
  }

  /**
   * Ending a client waits for a thread of its own that looks every 3 s whether it is to end. Whoever waits so is woken:
   * it then goes on.
   */
  private static final class Hurried implements AutoCloseable {
    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor();
    private final Thread waiting;
    private final ScheduledFuture<?> looking;
    private boolean ended;

    Hurried(Thread waiting) {
      this.waiting = waiting;
      looking = CLOCK.scheduleWithFixedDelay(this::look, 50, 50, TimeUnit.MILLISECONDS);
    }

    private synchronized void look() {
      if (ended) return;
      for (StackTraceElement frame : waiting.getStackTrace()) {
        boolean isEnding = frame.getClassName().endsWith(".ServiceThread") && frame.getMethodName().equals("shutdown");
        if (isEnding) waiting.interrupt();
      }
    }

    @Override
    public synchronized void close() {
      ended = true;
      looking.cancel(false);
      Thread.interrupted();
    }
  }

  /** What is printed goes where the printing thread wants it, or where it went before. */
  private static final class PrintedByThread extends OutputStream {
    private final OutputStream others;
    private final ThreadLocal<OutputStream> own = new InheritableThreadLocal<>();

    PrintedByThread(OutputStream others) {
      this.others = others;
    }

    void begin(OutputStream target) {
      own.set(target);
    }

    void end() {
      own.remove();
    }

    @Override
    public void write(int one) throws java.io.IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int start, int length) throws java.io.IOException {
      OutputStream target = own.get();
      (target == null ? others : target).write(bytes, start, length);
    }
  }
}
