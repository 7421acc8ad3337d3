import { chmod, chown, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import type { Config } from "../../config/config.ts";
import { loadConfig } from "../../config/load.ts";
import { interfaceAddresses } from "../../net/interfaces.ts";
import { UserError } from "../../user-error.ts";
import { placeFile } from "../../volume/durable.ts";
import { askReload } from "../control.ts";

export interface Changed {
  readonly config: Config;
  /** What became of it in the running server. */
  readonly server: Awaited<ReturnType<typeof askReload>>;
}

/**
 * Changes a sidus.yaml as a whole, once the result is known to be good, with its mode and owner, and tells the server.
 * @param edited the new text; undefined: it cannot be changed so
 * @throws UserError for what is wrong with the result; nothing is changed then.
 */
export async function changeConfig(
  file: string,
  edited: (text: string) => string | undefined,
): Promise<Changed> {
  loadConfig(file, interfaceAddresses());
  const path = await realpath(file);
  const before = await readFile(path, "utf8");
  const text = edited(before);
  if (text === undefined) {
    throw new UserError(
      `${file}: \`nodes:\` is not written so that it can be changed from here: edit it by hand`,
    );
  }
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  let config: Config | undefined;
  await placeFile({
    path,
    temporary,
    async fill() {
      const { mode, uid, gid } = await stat(path);
      await writeFile(temporary, text, { mode: 0o600, flag: "wx" });
      if (uid !== process.getuid?.() || gid !== process.getgid?.())
        await chown(temporary, uid, gid);
      await chmod(temporary, mode);
      config = checked(temporary, file);
      if ((await readFile(path, "utf8")) !== before) {
        throw new UserError(`${file}: was changed meanwhile: try again`, { exitCode: 1 });
      }
    },
  });
  if (config === undefined) throw new Error("a file was put in place unchecked");
  return { config, server: await askReload(config.state) };
}

/** Its errors name the file that it is to become. */
function checked(temporary: string, file: string): Config {
  try {
    return { ...loadConfig(temporary, interfaceAddresses()), file };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message = error.message.replaceAll(temporary, file);
    throw new UserError(`${message}; nothing was changed`, { cause: error });
  }
}
