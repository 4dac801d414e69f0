import {
  array,
  type BodyOf,
  bool,
  type InputOf,
  int8,
  int16,
  int32,
  request,
  response,
  string,
  struct
} from '../codec/index.ts'

export const describeConfigsRequest = request(32, [1, 4], 4, {
  resources: array(
    struct({
      /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
      resourceType: int8,
      resourceName: string,
      /** Null: all. */
      configurationKeys: array(string).nullable()
    })
  ),
  includeSynonyms: bool.or(false),
  includeDocumentation: bool.since(3).or(false)
})

export type DescribeConfigsRequest = BodyOf<typeof describeConfigsRequest>

export const describeConfigsResponse = response(describeConfigsRequest, {
  throttleTimeMs: int32.or(0),
  results: array(
    struct({
      errorCode: int16,
      errorMessage: string.nullable(),
      resourceType: int8,
      resourceName: string,
      configs: array(
        struct({
          name: string,
          value: string.nullable(),
          readOnly: bool,
          /** 1 topic, 2 broker, 4 static broker, 5 default (ConfigSource). */
          configSource: int8.or(-1),
          isSensitive: bool,
          synonyms: array(struct({ name: string, value: string.nullable(), source: int8 })),
          /** 1 bool, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password. */
          configType: int8.since(3).or(0),
          documentation: string.since(3).nullable()
        })
      )
    })
  )
})

export type DescribeConfigsResponse = BodyOf<typeof describeConfigsResponse>
export type DescribeConfigsResponseInput = InputOf<typeof describeConfigsResponse>
