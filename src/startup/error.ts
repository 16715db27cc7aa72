// Why start-up cannot go on.

/** `subject` is the variable or resource at fault; the message says what is wrong and what would be right. */
export class StartupError extends Error {
  override readonly name = 'StartupError'

  constructor(subject: string, message: string) {
    super(`${subject}: ${message}`)
  }
}
