import { expect, test } from "vitest";
import { BuildSteps } from "../../../src/image/build/steps.ts";
import { VirtualClock } from "../../sim/clock.ts";

/** What mmdebstrap 1.3.5 --verbose printed, shortened. */
const printed = [
  "I: chroot architecture amd64 is equal to the host's architecture",
  "I: running apt-get update...",
  "Get:5 http://mirror.example/debian bookworm/main amd64 Packages [8790 kB]",
  "I: downloading packages with apt...",
  "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
  "Get:1 http://mirror.example/debian bookworm/main amd64 gcc-12-base amd64 12.2.0-14+deb12u1 [37.6 kB]",
  "Get:2 http://mirror.example/debian bookworm/main amd64 libcap2 amd64 1:2.66-4+deb12u3+b1 [27.7 kB]",
  "I: extracting archives...",
  "Selecting previously unselected package libcap2:amd64.",
  "Unpacking libcap2:amd64 (1:2.66-4+deb12u3+b1) ...",
  "Setting up libcap2:amd64 (1:2.66-4+deb12u3+b1) ...",
  "Unpacking gcc-12-base:amd64 (12.2.0-14+deb12u1) ...",
  "Setting up gcc-12-base:amd64 (12.2.0-14+deb12u1) ...",
  "update-initramfs: Generating /boot/initrd.img-6.1.0-56-amd64",
  "I: cleaning package lists and apt cache...",
];

test("what mmdebstrap prints is read as steps, items and counts", () => {
  const steps = new BuildSteps(new VirtualClock());
  const shown = printed.flatMap((line) => {
    if (!steps.read(line)) return [];
    const { step, item, done, total } = steps.current;
    return [`${step} ${item} ${done}/${total}`];
  });
  expect(shown).toEqual([
    "lists  0/0",
    "download  0/0",
    "download gcc-12-base 1/2",
    "download libcap2 2/2",
    "unpack  0/2",
    "unpack libcap2:amd64 1/2",
    "configure libcap2:amd64 1/2",
    "unpack gcc-12-base:amd64 2/2",
    "configure gcc-12-base:amd64 2/2",
    "initrd /boot/initrd.img-6.1.0-56-amd64 1/2",
    "finish  0/2",
  ]);
});

test("times add up by step, however often a step comes back", () => {
  const clock = new VirtualClock();
  const steps = new BuildSteps(clock);
  clock.advance(1000);
  steps.read("Unpacking a (1) ...");
  clock.advance(2000);
  steps.read("Setting up a (1) ...");
  clock.advance(300);
  steps.read("Unpacking b (1) ...");
  clock.advance(2500);
  steps.finish("identity");
  clock.advance(100);
  expect(steps.times()).toEqual([
    { step: "lists", seconds: 1 },
    { step: "unpack", seconds: 4.5 },
    { step: "configure", seconds: 0.3 },
    { step: "finish", seconds: 0.1 },
  ]);
  expect(steps.current).toEqual({
    step: "finish",
    item: "identity",
    done: 0,
    total: 0,
    elapsedMs: 5900,
  });
});
