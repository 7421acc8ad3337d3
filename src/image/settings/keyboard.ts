import type { Recipe } from "../recipe/recipe.ts";
import { lines, type Part } from "./part.ts";

/** keyboard(5): for the console and for X. */
export function keyboardSettings({ keyboard }: Recipe): Part {
  if (keyboard === undefined) return {};
  const { layout, model, variant, options } = keyboard;
  const answers = {
    layoutcode: layout,
    modelcode: model,
    variantcode: variant,
    optionscode: options,
  };
  return {
    packages: ["keyboard-configuration", "console-setup"],
    selections: [
      ...Object.entries(answers).map(
        ([name, value]) =>
          `keyboard-configuration keyboard-configuration/${name} string${value === "" ? "" : ` ${value}`}`,
      ),
      "console-setup console-setup/charmap47 select UTF-8",
    ],
    files: [
      {
        path: "/etc/default/keyboard",
        mode: 0o644,
        content: lines(
          `XKBMODEL="${model}"`,
          `XKBLAYOUT="${layout}"`,
          `XKBVARIANT="${variant}"`,
          `XKBOPTIONS="${options}"`,
          'BACKSPACE="guess"',
        ),
      },
    ],
    // Else each node would compile its keymap at each boot.
    commands: ["setupcon --save-only"],
  };
}
