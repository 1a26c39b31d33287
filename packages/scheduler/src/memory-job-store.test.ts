import { MemoryDatabase } from '@fog/kernel'
import { MemoryJobStore } from './memory-job-store.ts'
import { describeJobStore, describeRunStore, describeStepStore, describeTierStore } from './testing/index.ts'
import type { JobStoreUnderTest } from './testing/index.ts'

async function make(): Promise<JobStoreUnderTest> {
  const database = new MemoryDatabase()
  const store = new MemoryJobStore(database)
  return { transact: (work) => database.transact(() => work(store)), close: async () => {} }
}

describeJobStore('MemoryJobStore', make)
describeStepStore('MemoryJobStore', make)
describeTierStore('the tiers of MemoryJobStore', make)
describeRunStore('the runs of MemoryJobStore', make)
