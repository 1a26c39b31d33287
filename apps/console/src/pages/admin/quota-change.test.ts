import { expect, test } from 'vitest'
import { quotaChange, quotaFaults, quotaForm } from './quota-change.ts'

const BLANK = { openJobs: '', openTasks: '', cores: '', tokensPerDay: '' }

test('only limits of its own are filled in', () => {
  const quota = {
    accountId: 'acct_0',
    openJobs: { used: 0, limit: 100, own: false },
    openTasks: { used: 0, limit: 7, own: true },
    cores: { used: 0, own: false },
    tokensPerDay: { used: '0', limit: '1.5', own: true },
  }
  expect(quotaForm(quota)).toEqual({ ...BLANK, openTasks: '7', tokensPerDay: '1.5' })
})

test('only what changed is sent, and blank is as the settings say', () => {
  const before = { ...BLANK, openJobs: '5', cores: '2' }
  expect(quotaChange(before, { ...before, openJobs: ' ', tokensPerDay: '12.25', openTasks: '0' })).toEqual({
    openJobs: 'default',
    openTasks: 0,
    tokensPerDay: '12.25',
  })
  expect(quotaChange(before, before)).toEqual({})
})

test('what is no limit says what is wanted', () => {
  expect(quotaFaults(BLANK)).toEqual({})
  const faults = quotaFaults({ openJobs: '1.5', openTasks: '-1', cores: '9999999', tokensPerDay: '1.1234567' })
  expect(Object.keys(faults)).toEqual(['openJobs', 'openTasks', 'cores', 'tokensPerDay'])
})
