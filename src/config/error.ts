// A setting without which the agent cannot run, or with which it must not.

/** `subject` is the variable at fault; the message says what would be right. */
export class SettingError extends Error {
  override readonly name = 'SettingError'

  constructor(subject: string, message: string) {
    super(`${subject}: ${message}`)
  }
}
