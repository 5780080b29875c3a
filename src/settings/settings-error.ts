/** All settings that are missing or malformed, in one error: its message names each and how to fix it. Shows no secret. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly problems: readonly string[];

  /** @param program what cannot start: `app` or `frontend` */
  constructor(program: string, problems: readonly string[]) {
    super(
      `The ${program} cannot start, its settings need attention:\n${problems.map((line) => `  - ${line}`).join("\n")}`,
    );
    this.problems = problems;
  }
}
