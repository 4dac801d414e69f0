/** GET_ALL_DELAY_OFFSET (45): levels are no queues that are read one after the other here, so none has a place. */
import type { Handler } from '../context.ts'
import type { getAllDelayOffsetRequest } from '../headers/get-all-delay-offset.ts'

export const getAllDelayOffset: Handler<typeof getAllDelayOffsetRequest> = () => ({
  body: { offsetTable: new Map(), dataVersion: { counter: 0, stateVersion: 0, timestamp: 0 } }
})
