import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.rocketmq.client.ClientConfig;

/**
 * RocketMQ's own Java client behind a line protocol. A command's verb is "Class.method": a class beside this one with a
 * constructor that takes the driver, made when first asked for, and a method that takes the command and returns what is
 * answered as "ok". Commands that are not waited for by their sender are handled at the same time.
 */
public final class Driver {
  public static final ObjectMapper JSON = new ObjectMapper();

  /** The clients' own is 3 s, in which a busy machine may not even begin a program. */
  public static final int PATIENCE_MS = 30_000;

  public final String namesrv;
  private final PrintStream out;
  private final Map<String, Object> parts = new ConcurrentHashMap<>();

  private Driver(String namesrv, PrintStream out) {
    this.namesrv = namesrv;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    new Driver(args[0], out).run();
    System.exit(0);
  }

  private void run() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode command = JSON.readTree(line);
      threads.execute(() -> answer(command));
    }
  }

  private void answer(JsonNode command) {
    ObjectNode answer = JSON.createObjectNode();
    answer.set("id", command.get("id"));
    try {
      String[] verb = command.get("do").asText().split("\\.", 2);
      Object part = part(verb[0]);
      Object told = part.getClass().getMethod(verb[1], JsonNode.class).invoke(part, command);
      answer.set("ok", told == null ? JSON.createObjectNode() : (JsonNode) told);
    } catch (InvocationTargetException e) {
      answer.put("error", String.valueOf(e.getCause()));
    } catch (Throwable e) {
      answer.put("error", e.toString());
    }
    tell(answer);
  }

  /** The driver's one instance of the class. */
  private Object part(String name) throws Exception {
    synchronized (parts) {
      Object part = parts.get(name);
      if (part == null) {
        part = Class.forName(name).getConstructor(Driver.class).newInstance(this);
        parts.put(name, part);
      }
      return part;
    }
  }

  /** Another class's one instance, for verbs that share a producer or a consumer. */
  public <T> T part(Class<T> type) throws Exception {
    return type.cast(part(type.getName()));
  }

  /** Tells a client where its name server is, and to wait for answers as long as a busy machine needs. */
  public <T extends ClientConfig> T patient(T client) {
    client.setNamesrvAddr(namesrv);
    client.setMqClientApiTimeout(PATIENCE_MS);
    return client;
  }

  /** Writes one line: an answer, or an event ({"event": ...}). */
  public synchronized void tell(ObjectNode line) {
    out.println(line);
  }
}
