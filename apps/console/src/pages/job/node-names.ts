import { queryOptions } from '@tanstack/react-query'
import type { Client, TaskView } from '@fog/contract'

/** Names of nodes by their ids, retired ones too: events name nodes by id only. The first thousand. */
export function nodeNamesQuery(client: Client) {
  return queryOptions({
    queryKey: ['nodeNames'],
    queryFn: async ({ signal }) => {
      const { items } = await client.call('listNodes', { query: { limit: 1000, retired: true }, signal })
      return new Map(items.map(({ nodeId, name }) => [nodeId, name]))
    },
  })
}

/** The tasks with the names of their nodes, where they are known. Pure. */
export function withNodeNames(tasks: readonly TaskView[], names: ReadonlyMap<string, string>): readonly TaskView[] {
  return tasks.map((task) => {
    const name = task.nodeName ?? names.get(task.nodeId ?? '')
    return name === undefined || name === task.nodeName ? task : { ...task, nodeName: name }
  })
}
