export { DatabaseServerError } from './errors.ts'
export { connectionTo, startPostgres, urlOf } from './postgres-server.ts'
export type {
  PostgresConnection,
  PostgresEvent,
  PostgresLimits,
  PostgresOptions,
  RunningPostgres,
} from './postgres-server.ts'
