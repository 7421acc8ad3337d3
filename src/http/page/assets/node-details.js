import { drawBar } from "./boot-bar.js";
import { ask, element, seconds, withCode } from "./dom.js";

/** What a row says when it is opened: asked for then. */
export async function drawDetails(target, node) {
  const [explained, past] = await Promise.all([
    ask(`/explain.json?mac=${node.mac}`),
    ask(`/history.json?mac=${node.mac}`),
  ]);
  target.replaceChildren(
    factsOf(node, explained),
    ...wayOf(explained?.way ?? []),
    ...pastOf(past?.boots ?? []),
  );
}

function factsOf(node, explained) {
  const facts = [
    ["State", explained?.cause],
    ["What helps", explained?.advice],
    ["MAC address", node.mac],
    ["Address", node.address],
    ["Firmware", node.architectureName],
    ["Runs", [node.tree, node.digest?.slice(0, 12)].filter((part) => part).join(", version ")],
    ["Began", new Date(node.beganAt).toLocaleString()],
    ["Usually up after", usualText(node.usual)],
  ];
  const shown = facts.filter(([, value]) => value !== undefined && value !== "");
  return element(
    "dl",
    {},
    ...shown.flatMap(([key, value]) => [
      element("dt", {}, key),
      element("dd", {}, ...withCode(value)),
    ]),
  );
}

const whose = { node: "its own boots", tree: "boots of the same tree", room: "boots of all nodes" };

function usualText(usual) {
  if (usual === undefined) return undefined;
  const { of, boots, median, p95 } = usual;
  return `${seconds(median)}, 95 % within ${seconds(p95)} (the last ${boots} of ${whose[of]})`;
}

function wayOf(way) {
  if (way.length === 0) return [];
  const lines = way.map(({ seconds: at, what, times }) =>
    element(
      "li",
      {},
      element("b", {}, seconds(at)),
      element("span", {}, what, times > 1 ? ` (${times} times)` : ""),
    ),
  );
  return [element("h3", {}, "What was seen"), element("ol", { class: "way" }, ...lines)];
}

function pastOf(boots) {
  if (boots.length === 0) return [];
  const most = Math.max(1, ...boots.flatMap((boot) => Object.values(boot.seconds)));
  const lines = boots.map((boot) => {
    const bar = element("span", { class: "bar", role: "img" });
    const last = Math.max(0, ...Object.values(boot.seconds));
    const asNode = { ...boot, heardAt: boot.beganAt + last * 1000, condition: "stuck" };
    drawBar(bar, asNode, most);
    const at = new Date(boot.beganAt).toLocaleString([], {
      dateStyle: "short",
      timeStyle: "short",
    });
    const end = boot.stage === "up" ? "" : ` came to ${boot.stage}`;
    return element(
      "li",
      {},
      element("b", {}, seconds(last)),
      bar,
      element("span", {}, `${at}${end}`),
    );
  });
  return [element("h3", {}, "Its last boots"), element("ol", { class: "way past" }, ...lines)];
}
