import t from 'tap'
import {
  describeClusterRequest,
  describeClusterResponse
} from '../../../../gateway/kafka/schemas/describe-cluster.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse
} from '../../../../gateway/kafka/schemas/find-coordinator.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse
} from '../../../../gateway/kafka/schemas/list-partition-reassignments.ts'
import { clusterId, nodeId, startAsker, versionsOf } from '../../../support/kafka-asker.ts'

const here = { host: 'public.example', port: 19092 }
const nowhere = { nodeId: -1, host: '', port: -1 }

t.test('every version of DescribeCluster tells the one node', async (t) => {
  const { ask } = startAsker(t, { advertise: ['public.example:19092'] })
  const describe = (version: number, rest = {}) =>
    ask(describeClusterRequest, describeClusterResponse, version, {
      includeClusterAuthorizedOperations: false,
      ...rest
    })
  for (const version of versionsOf(describeClusterRequest)) {
    t.match(await describe(version), {
      errorCode: 0,
      errorMessage: null,
      endpointType: 1,
      clusterId,
      controllerId: nodeId,
      brokers: [{ brokerId: nodeId, ...here, rack: null, isFenced: false }],
      clusterAuthorizedOperations: -2_147_483_648
    })
  }
  const asked = { includeClusterAuthorizedOperations: true }
  t.equal((await describe(0, asked)).clusterAuthorizedOperations, 8096)
  t.match(await describe(1, { endpointType: 2 }), { errorCode: 114, brokers: { length: 0 } })
  t.match(await describe(2, { endpointType: 3 }), { errorCode: 115, brokers: { length: 0 } })
})

t.test('every version of FindCoordinator finds this node for groups', async (t) => {
  const { ask } = startAsker(t, { advertise: ['public.example:19092'] })
  for (const version of versionsOf(findCoordinatorRequest)) {
    const body = version < 4 ? { key: 'g' } : { coordinatorKeys: ['g', ''] }
    const answer = await ask(findCoordinatorRequest, findCoordinatorResponse, version, body)
    if (version < 4) t.match(answer, { errorCode: 0, nodeId, ...here, coordinators: { length: 0 } })
    else {
      const found = { errorCode: 0, errorMessage: '', nodeId, ...here }
      t.same(answer.coordinators, [
        { key: 'g', ...found },
        { key: '', ...found }
      ])
    }
  }
})

t.test('transactions and share groups have no coordinator', async (t) => {
  const { ask } = startAsker(t)
  const find = (version: number, keyType: number) =>
    ask(findCoordinatorRequest, findCoordinatorResponse, version, {
      keyType,
      ...(version < 4 ? { key: 'k' } : { coordinatorKeys: ['k'] })
    })
  const refusals: [keyType: number, errorCode: number][] = [
    [1, 53],
    [2, 42],
    [9, 42]
  ]
  for (const [keyType, errorCode] of refusals) {
    t.match(await find(2, keyType), { errorCode, errorMessage: /\S/, ...nowhere })
    t.match(await find(6, keyType), {
      coordinators: [{ key: 'k', errorCode, errorMessage: /\S/, ...nowhere }]
    })
  }
})

t.test('nothing is ever being reassigned', async (t) => {
  const { ask } = startAsker(t)
  const list = (topics: { name: string; partitionIndexes: number[] }[] | null) =>
    ask(listPartitionReassignmentsRequest, listPartitionReassignmentsResponse, 0, { topics })
  const none = { throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] }
  t.same(await list(null), none)
  t.same(await list([{ name: 'a', partitionIndexes: [0] }]), none)
})
