import type { RigidJob } from './rigid-job.ts'
import type { Policy } from './simulate.ts'

/** First come, first served: nobody starts before whoever came earlier. */
export const FIRST_COME: Policy = {
  name: 'FCFS',
  rule: 'Jobs start in the order they came; one that does not fit holds up all behind it.',
  make(processors) {
    const queue: RigidJob[] = []
    let free = processors
    return {
      arrive: (job) => void queue.push(job),
      end: ({ width }) => void (free += width),
      start() {
        const starting: RigidJob[] = []
        while (queue[0] && queue[0].width <= free) {
          free -= queue[0].width
          starting.push(queue.shift()!)
        }
        return starting
      },
    }
  },
}
