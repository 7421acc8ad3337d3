import process from "node:process";
import { sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";

/** Seals its first argument in the store that is its second, and says the digest: for whom it is run by. */
const [tree = "", images = ""] = process.argv.slice(2);
const { digest } = await sealTree({
  ...{ name: "room", tree, store: new ImageStore(images), version: "1", sealedAt: new Date(0) },
  origin: { made: "test", parent: undefined, recipe: undefined },
});
process.stdout.write(`${digest}\n`);
