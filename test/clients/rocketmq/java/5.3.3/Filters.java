import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.rocketmq.filter.SqlFilter;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.expression.MQFilterException;

/** RocketMQ's own SQL92 evaluator, as its broker asks it. */
public final class Filters {
  public Filters(Driver driver) {}

  /**
   * For each of `texts` its verdict on each of `properties`, a letter each: T, F, N (null), X (it threw). Null for a text
   * that it does not take.
   */
  public JsonNode judge(JsonNode command) {
    ArrayNode all = Driver.JSON.createArrayNode();
    for (JsonNode text : command.get("texts")) {
      Expression expression;
      try {
        expression = new SqlFilter().compile(text.asText());
      } catch (MQFilterException e) {
        all.addNull();
        continue;
      }
      StringBuilder verdicts = new StringBuilder();
      for (JsonNode properties : command.get("properties")) {
        verdicts.append(verdict(expression, contextOf(properties)));
      }
      all.add(verdicts.toString());
    }
    return all;
  }

  private static char verdict(Expression expression, EvaluationContext context) {
    try {
      Object value = expression.evaluate(context);
      return value == null ? 'N' : (Boolean) value ? 'T' : 'F';
    } catch (Throwable e) {
      return 'X';
    }
  }

  private static EvaluationContext contextOf(JsonNode properties) {
    Map<String, Object> values = new HashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> all = properties.fields(); all.hasNext();) {
      Map.Entry<String, JsonNode> one = all.next();
      values.put(one.getKey(), one.getValue().asText());
    }
    return new EvaluationContext() {
      @Override
      public Object get(String name) {
        return values.get(name);
      }

      @Override
      public Map<String, Object> keyValues() {
        return values;
      }
    };
  }
}
