import { installRocketmq, installRocketmqGo } from '../install.ts'
import type { RocketmqClient } from './driver.ts'

/** Every RocketMQ client by name; the value installs it. */
export const rocketmqClients: Readonly<Record<string, () => Promise<RocketmqClient>>> = {
  'rocketmq-5.3.3': () => installRocketmq('5.3.3'),
  'rocketmq-4.9.8': () => installRocketmq('4.9.8'),
  'rocketmq-go': installRocketmqGo
}
