/** ListPartitionReassignments, version 0. On one node nothing is ever reassigned: there are none. */
import type { Handler } from '../context.ts'
import { errorCodes } from '../error-codes.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponseInput
} from '../schemas/list-partition-reassignments.ts'

export const listPartitionReassignments: Handler<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponseInput
> = () => ({ errorCode: errorCodes.NONE, errorMessage: null, topics: [] })
