// Logging in, uploading and opening, for browser_door.sh: `node browser_door.mjs PLAYWRIGHT AGENT INGRESS FOLDER` (the password is in PASSWORD) prints a line for each thing that was looked at ("ok NAME" or
// "FAIL NAME :: WHAT WAS SEEN") and leaves screenshots in FOLDER, where hello.zip and broken.zip are.
import { createRequire } from "node:module";

const [, , playwright, agent, ingress, folder] = process.argv;
const { chromium } = createRequire(import.meta.url)(playwright);
const password = process.env.PASSWORD;

const said = [];
function check(name, good, seen) {
    said.push(good ? `ok ${name}` : `FAIL ${name} :: ${JSON.stringify(seen)}`);
}
const complaints = [];
const listen = (page) => {
    page.on("console", (m) => {
        if (!/Failed to load resource: the server responded with a status of/.test(m.text())) complaints.push(m.text());
    });
    page.on("pageerror", (e) => complaints.push(String(e)));
};
const shot = (page, name) => page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
const bright = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0);
const look = (page) =>
    page.evaluate(() => ({
        wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
        back: getComputedStyle(document.body).backgroundColor,
        ink: getComputedStyle(document.body).color,
        scripts: document.scripts.length,
        // text on its own ground, per button: WCAG's ratio
        contrast: Math.min(...[...document.querySelectorAll("button, .button")].map((b) => {
            const lum = (c) => {
                const v = c.match(/[\d.]+/g).slice(0, 3).map((x) => x / 255).map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
                return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
            };
            const s = getComputedStyle(b), a = lum(s.color), g = lum(s.backgroundColor);
            return (Math.max(a, g) + 0.05) / (Math.min(a, g) + 0.05);
        })),
    }));

const phone = { width: 360, height: 740 };
async function variants(page, name) {
    let seen = await look(page);
    check(`${name}: no script`, seen.scripts === 0, seen);
    check(`${name}: bright by day`, bright(seen.back) > 200 && bright(seen.ink) < 80, seen);
    check(`${name}: its buttons can be read`, seen.contrast >= 4.5, seen);
    await shot(page, name);
    await page.emulateMedia({ colorScheme: "dark" });
    seen = await look(page);
    check(`${name}: dark for who wants it dark`, bright(seen.back) < 60 && bright(seen.ink) > 180, seen);
    check(`${name}: its buttons can be read in the dark`, seen.contrast >= 4.5, seen);
    await shot(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: "light" });
    const before = page.viewportSize();
    await page.setViewportSize(phone);
    seen = await look(page);
    check(`${name}: on a phone nothing is cut off`, !seen.wide, seen);
    await shot(page, `${name}-phone`);
    await page.setViewportSize(before);
}

async function login(page) {
    await page.goto(agent + "/upload");
    check("who is nobody is asked to log in", page.url() === agent + "/login", page.url());
    await variants(page, "login");
    await page.fill("input[name=password]", "guessed wrongly");
    await page.click("button.go");
    const alert = await page.innerText("[role=alert]");
    check("a wrong password is said so", /password/.test(alert), alert);
    await shot(page, "login-refused");
    await page.fill("input[name=password]", password);
    await page.click("button.go");
    check("the one-time password opens the page", page.url() === agent + "/upload", page.url());
}

async function upload(page) {
    const text = await page.innerText("body");
    check("it shows the apps that there are", text.includes("shop") && text.includes("Synced"), text);
    await variants(page, "upload");
    await page.fill("input[name=app]", "hello");
    await page.click("summary");
    await page.fill("textarea[name=env]", "GREETING=hello");
    await page.fill("textarea[name=volume]", "/etc:/host");
    await page.setInputFiles("input[name=bundle]", `${folder}/hello.zip`);
    await shot(page, "upload-more");
    await page.click("button.go");
    const alert = await page.innerText("[role=alert]");
    check("what is wrong is said", alert.includes("folders of the host"), alert);
    check("and what was typed stays", (await page.inputValue("input[name=app]")) === "hello" && (await page.inputValue("textarea[name=env]")).trim() === "GREETING=hello",
        [await page.inputValue("input[name=app]"), await page.inputValue("textarea[name=env]")]);
    await shot(page, "upload-refused");
    await page.fill("textarea[name=volume]", "");
    await page.setInputFiles("input[name=bundle]", `${folder}/broken.zip`);
    await page.click("button.go");
    check("a file that is no archive is refused", (await page.innerText("[role=alert]")).includes("this is no ZIP"), await page.innerText("body"));
    await page.setInputFiles("input[name=bundle]", `${folder}/hello.zip`);
    await page.click("button.go");
    await page.waitForURL(/placed=hello/);
    check("the answer is about the app", (await page.innerText("h1")) === "hello", await page.innerText("body"));
    await shot(page, "answer-busy");
}

// The page comes again by itself; nobody presses anything.
async function answer(page) {
    await page.waitForSelector("a.button", { timeout: 90000 });
    const text = await page.innerText("body");
    check("it says when the app is up", text.includes("It is up") && text.includes("Synced"), text);
    await variants(page, "answer");
    await page.click("text=What was said while it was built");
    check("it leads to what was said while it was built", (await page.innerText("body")).includes("==> app <=="), await page.innerText("body"));
    await page.goBack();
    await page.click("a.button");
    check("and to the app", page.url() === ingress + "/hello" || page.url() === ingress + "/hello/", page.url());
    check("which is there, through Traefik", (await page.innerText("h1")) === "Hello from the ZIP", await page.innerText("body"));
    await shot(page, "app");
}

async function behindTraefik(browser) {
    const page = await (await browser.newContext()).newPage();
    listen(page);
    await page.goto(ingress + "/login");
    check("the same page through Traefik", (await page.innerText("h1")) === "Log in", await page.innerText("body"));
}

async function logout(page) {
    await page.goto(agent + "/upload");
    await page.click("text=Log out");
    await page.goto(agent + "/upload");
    check("logged out is out", page.url() === agent + "/login", page.url());
    check("the browser had no complaint", complaints.length === 0, complaints);
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--no-proxy-server"] });
try {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(45000);
    listen(page);
    await login(page);
    await upload(page);
    await answer(page);
    await behindTraefik(browser);
    await logout(page);
} catch (e) {
    said.push(`FAIL the browser :: ${String(e).split("\n").slice(0, 3).join(" ")}`);
} finally {
    await browser.close();
    console.log(said.join("\n"));
}
