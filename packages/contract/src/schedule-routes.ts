import { Type } from 'typebox'
import { route } from './route.ts'
import { NewSchedule, QuotaChange, QuotaView, ScheduleDetailView, ScheduleView } from './schedule-views.ts'
import { id, page, PageQuery, strict } from './schemas.ts'

const schedule = strict({ scheduleId: id('schedule') })
const account = strict({ accountId: id('account') })

/** Routes for jobs that recur, and for quotas. */
export const scheduleRoutes = {
  addSchedule: route({
    method: 'POST',
    path: '/v1/schedules',
    summary: 'Submit a job again and again, by a cron pattern',
    access: 'jobs:write',
    body: NewSchedule,
    response: ScheduleView,
    status: 201,
  }),
  listSchedules: route({
    method: 'GET',
    path: '/v1/schedules',
    summary: 'Your schedules, newest first',
    access: 'jobs:read',
    query: strict({ ...PageQuery, all: Type.Optional(Type.Boolean()) }),
    response: page(ScheduleView),
  }),
  getSchedule: route({
    method: 'GET',
    path: '/v1/schedules/:scheduleId',
    summary: 'One schedule with its latest runs',
    access: 'jobs:read',
    params: schedule,
    response: ScheduleDetailView,
  }),
  setSchedule: route({
    method: 'PATCH',
    path: '/v1/schedules/:scheduleId',
    summary: 'Pause or resume a schedule',
    access: 'jobs:write',
    params: schedule,
    body: strict({ status: Type.Union([Type.Literal('active'), Type.Literal('paused')]) }),
    response: ScheduleView,
  }),
  removeSchedule: route({
    method: 'DELETE',
    path: '/v1/schedules/:scheduleId',
    summary: 'Remove a schedule; the jobs it submitted stay',
    access: 'jobs:write',
    params: schedule,
    status: 204,
  }),
  runSchedule: route({
    method: 'POST',
    path: '/v1/schedules/:scheduleId/runs',
    summary: 'Submit the job of a schedule at once',
    access: 'jobs:write',
    params: schedule,
    response: strict({ jobId: id('job') }),
    status: 201,
  }),
  getQuota: route({
    method: 'GET',
    path: '/v1/quota',
    summary: 'What your account uses, and how much it may',
    access: 'jobs:read',
    response: QuotaView,
  }),
  getAccountQuota: route({
    method: 'GET',
    path: '/v1/accounts/:accountId/quota',
    summary: 'What an account uses, and how much it may',
    access: 'admin',
    params: account,
    response: QuotaView,
  }),
  setAccountQuota: route({
    method: 'PATCH',
    path: '/v1/accounts/:accountId/quota',
    summary: 'Give an account limits of its own',
    access: 'admin',
    params: account,
    body: QuotaChange,
    response: QuotaView,
  }),
} as const
