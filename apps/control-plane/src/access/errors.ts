import { FogError } from '@fog/kernel'

/** Why somebody is not let in, or may not do what they ask. None tells whether a name, a token or a code exists. */
export class AccessError extends FogError<
  | { code: 'access.login_needed' }
  | { code: 'access.token_invalid' }
  | { code: 'access.token_expired' }
  | { code: 'access.login_refused' }
  | { code: 'access.busy' }
  | { code: 'access.scope_missing'; scope: string }
  | { code: 'access.scope_not_yours'; scope: string }
  | { code: 'access.session_needed' }
  | { code: 'access.refresh_refused' }
  | { code: 'access.refresh_reused' }
  | { code: 'access.origin_refused'; origin: string }
  | { code: 'access.password_wrong' }
  | { code: 'access.name_taken'; name: string }
  | { code: 'access.last_admin' }
  | { code: 'access.setup_refused' }
> {
  static override readonly texts = {
    'access.login_needed': {
      says: 'This needs a log-in.',
      fix: 'Log in with `fog login` or in the console, or send an API token as "Authorization: Bearer …".',
    },
    'access.token_invalid': {
      says: 'The token is not known here, or is no longer good.',
      fix: 'Log in again, or make a new API token with `fog token add`.',
    },
    'access.token_expired': { says: 'The token has expired.', fix: 'Refresh the log-in, or make a new API token.' },
    'access.login_refused': {
      says: 'Name or password is wrong, or too many tries have failed.',
      fix: 'Check both; after several failures wait up to 15 minutes, or ask an admin to unlock the user.',
    },
    'access.busy': { says: 'Too many people are logging in right now.', fix: 'Try again in a few seconds.' },
    'access.scope_missing': {
      says: 'This needs the right "{scope}", which your token or user does not have.',
      fix: 'Use a token with that scope, or ask an admin.',
    },
    'access.scope_not_yours': {
      says: 'A token cannot have the scope "{scope}", which you do not have yourself.',
      fix: 'Leave it out, or ask an admin to make the token.',
    },
    'access.session_needed': {
      says: 'This changes log-ins or keys and is not done with an API token.',
      fix: 'Log in with name and password.',
    },
    'access.refresh_refused': { says: 'The log-in has ended.', fix: 'Log in again.' },
    'access.refresh_reused': {
      says: 'This refresh token was used before, so the log-in was ended: somebody else may have a copy.',
      fix: 'Log in again, and change your password if you do not know why this happened.',
    },
    'access.origin_refused': {
      says: 'The page at {origin} may not use a log-in kept by this address.',
      fix: 'Open the console at its own address; behind a proxy set FOG_PUBLIC_URL to it.',
    },
    'access.password_wrong': { says: 'That is not your current password.', fix: 'Type it again.' },
    'access.name_taken': { says: 'The name "{name}" is taken.', fix: 'Choose another.' },
    'access.last_admin': {
      says: 'This is the last active admin.',
      fix: 'Make another user an admin first, so that somebody can still run this fog.',
    },
    'access.setup_refused': {
      says: 'The set-up code is wrong, or the first admin has been set up already.',
      fix: 'Use the link printed by the latest start of the control plane, or log in.',
    },
  }
}
