// The words of the page in both languages, and how this reader's language writes dates.

const WORDS = {
    en: {
        lang: "en",
        skip: "Skip to the message box",
        conversation: "Conversation",
        messages: "Messages",
        outbox: "Not yet sent",
        compose: "Write a message",
        message: "Message",
        messageTo: "Message to everyone",
        privateTo: "Private message to {name}",
        send: "Send",
        to: "To",
        everyone: "Everyone",
        backToAll: "Back to everyone",
        people: "People here",
        showPeople: "People here: {n}",
        peopleHint: "Choose a person to write to them alone.",
        writeTo: "Write privately to {name}",
        you: "You",
        youMark: "(you)",
        noName: "(no visible name)",
        changeName: "Change your name",
        save: "Save",
        cancel: "Cancel",
        close: "Close",
        done: "Done",
        invite: "Invite",
        invitePeople: "Invite people",
        inviteText: "Whoever opens this link can join the room {room}.",
        link: "Link",
        copy: "Copy link",
        copied: "Copied",
        copyByHand: "Press Ctrl+C or ⌘C",
        onlyHere: "This address works on this computer only. For others, start the server with {option}.",
        welcome: "Join the conversation",
        welcomeText: "Take a name and start talking. There is nothing to sign up for.",
        yourName: "Your name",
        room: "Room",
        join: "Join",
        nameMissing: "Please enter a name.",
        nameLong: "That name is too long: 64 characters are the most, this one has {n}.",
        roomLong: "That room name is too long: 164 letters without accents are the most, or 54 Chinese characters.",
        refused: "The server said: {text}",
        emptyTitle: "You are in {room}",
        emptyText: "Nothing has been said since you came. Say hello, or bring somebody along.",
        idle: "Not connected",
        connecting: "Connecting …",
        checking: "Checking the connection …",
        on: "Connected",
        waiting: "Reconnecting in {n} s",
        offline: "Offline",
        noticeConnecting: "Connecting to the server …",
        noticeWaiting: "No connection to the server. Next try in {n} s.",
        noticeObstructed: "The server is there, but full, or a proxy may not pass Upgrade on. Next try in {n} s.",
        noticeOffline: "Your device is offline. This page reconnects when the network is back.",
        tryNow: "Try now",
        lost: "Connection lost. Trying again.",
        isBack: "Connected again.",
        caughtUp: "Connected again. This was said in between:",
        earlier: "Earlier messages are not shown.",
        gapOfOne: "1 message is missing here.",
        gap: "{n} messages are missing here.",
        gapKept: "{n} messages are missing here. A reload of the page shows the newest of them.",
        anew: "Messages may be missing here: the server has started anew.",
        joined: "{name} joined",
        left: "{name} left",
        renamed: "{old} is now called {name}",
        nowCalled: "You are now called {name}",
        privateFrom: "Private, to you alone",
        privateMine: "Private to {name}",
        someoneLeft: "somebody who left",
        gone: "{name} (left)",
        goneHint: "{name} is not here any more. Choose who should get your message.",
        notConnected: "Not connected. Your message stays here until you send it again.",
        tooLong: "Too long by {n}: a message can have {max} characters.",
        count: "{n} of {max} characters",
        sending: "Sending …",
        unsure: "The connection broke. It may not have arrived.",
        notSent: "Not sent: {text}",
        again: "Send again",
        discard: "Discard",
        more: "Show more",
        less: "Show less",
        cut: "{n} more characters are not shown.",
        picture: "Picture, {size}",
        showPicture: "Show picture",
        badPicture: "This picture cannot be shown.",
        newMessages: "{n} new messages",
        newMessage: "1 new message",
        newest: "Newest messages",
        serverTime: "{time} (server: {server})",
    },
    zh: {
        lang: "zh-CN",
        skip: "跳到输入框",
        conversation: "聊天",
        messages: "消息",
        outbox: "尚未发送",
        compose: "写消息",
        message: "消息",
        messageTo: "发消息给所有人",
        privateTo: "给{name}的私信",
        send: "发送",
        to: "发给",
        everyone: "所有人",
        backToAll: "改发给所有人",
        people: "在线成员",
        showPeople: "在线成员：{n} 人",
        peopleHint: "点一个人，就可以给对方发私信。",
        writeTo: "给{name}发私信",
        you: "你",
        youMark: "（你）",
        noName: "（名字不可见）",
        changeName: "修改名字",
        save: "保存",
        cancel: "取消",
        close: "关闭",
        done: "完成",
        invite: "邀请",
        invitePeople: "邀请朋友",
        inviteText: "任何人打开这个链接，都可以加入房间 {room}。",
        link: "链接",
        copy: "复制链接",
        copied: "已复制",
        copyByHand: "请按 Ctrl+C 或 ⌘C",
        onlyHere: "这个地址只能在本机打开。要让其他人加入，请用 {option} 启动服务器。",
        welcome: "加入聊天",
        welcomeText: "起个名字就能开始聊，无需注册。",
        yourName: "你的名字",
        room: "房间",
        join: "加入",
        nameMissing: "请输入名字。",
        nameLong: "名字太长：最多 64 个字符，现在有 {n} 个。",
        roomLong: "房间名太长：最多 54 个汉字，或者 164 个英文字母。",
        refused: "服务器提示：{text}",
        emptyTitle: "你已进入 {room}",
        emptyText: "你来之后还没有人说话。打个招呼，或者邀请朋友一起来。",
        idle: "未连接",
        connecting: "正在连接…",
        checking: "正在检查连接…",
        on: "已连接",
        waiting: "{n} 秒后重连",
        offline: "离线",
        noticeConnecting: "正在连接服务器…",
        noticeWaiting: "与服务器的连接已断开，{n} 秒后重试。",
        noticeObstructed: "服务器有响应，但可能已满，或者中间的代理没有转发 Upgrade。{n} 秒后重试。",
        noticeOffline: "你的设备处于离线状态，网络恢复后会自动重连。",
        tryNow: "立即重试",
        lost: "连接已断开，正在重试。",
        isBack: "已重新连接。",
        caughtUp: "已重新连接。断开期间的消息：",
        earlier: "更早的消息没有显示。",
        gapOfOne: "这里缺少 1 条消息。",
        gap: "这里缺少 {n} 条消息。",
        gapKept: "这里缺少 {n} 条消息。重新加载页面可以看到其中最新的几条。",
        anew: "这里可能缺少消息：服务器已重新启动。",
        joined: "{name} 加入了房间",
        left: "{name} 离开了房间",
        renamed: "{old} 改名为 {name}",
        nowCalled: "你改名为 {name}",
        privateFrom: "私信，只发给你",
        privateMine: "私信给 {name}",
        someoneLeft: "已离开的人",
        gone: "{name}（已离开）",
        goneHint: "{name} 已经不在了，请重新选择发给谁。",
        notConnected: "未连接。消息会留在这里，请连接恢复后再发送。",
        tooLong: "超出 {n} 个字符：一条消息最多 {max} 个字符。",
        count: "{n} / {max} 个字符",
        sending: "正在发送…",
        unsure: "连接中断，这条消息可能没有送达。",
        notSent: "未发送：{text}",
        again: "重新发送",
        discard: "删除",
        more: "展开",
        less: "收起",
        cut: "还有 {n} 个字符没有显示。",
        picture: "图片，{size}",
        showPicture: "显示图片",
        badPicture: "这张图片无法显示。",
        newMessages: "{n} 条新消息",
        newMessage: "1 条新消息",
        newest: "最新消息",
        serverTime: "{time}（服务器：{server}）",
        // What the server says, as it says it.
        ofServer: {
            "You need a name to join. Please enter one.": "进入房间需要名字，请填写。",
            "This name is too long. Please take one of at most 64 characters.": "名字太长，最多 64 个字符。",
            "Nobody can see this name. Please take one with a letter, a digit or a sign.":
                "这个名字看不见，请至少用一个文字、数字或符号。",
            "You have not joined the room yet. Please enter a name first.": "你还没有进入房间，请先填写名字。",
            "The room is full. Please try again later.": "房间已满，请稍后再试。",
            "Too many people in this room have your address. Please try again later.":
                "来自你所在地址的成员已达本房间上限，请稍后再试。",
            "Nobody with this address is in the room. The person may have left.": "对方不在房间里，可能已经离开。",
            "You can not send a message to yourself. Please choose somebody else.": "不能给自己发消息，请选择其他人。",
            "This message is too long. Please send a shorter one.": "消息太长，请缩短后再发送。",
            "Too many messages at once. Please wait a moment.": "消息发得太快，请稍候。",
            "The room takes nothing at the moment. Please send your message again later.":
                "房间暂时不能接收消息，请稍后重新发送。",
            "The room does not answer. If your message does not appear, send it again.":
                "房间没有回应。如果消息没有出现，请重新发送。",
            "The room can not be reached at the moment. Please come back soon.": "暂时无法进入房间，请稍后再来。",
            "the room's name is too long, invisible or turns text": "房间名太长、看不见，或含有改变文字方向的字符。",
        },
    },
};

const wanted = (navigator.languages || [navigator.language]).find((tag) => /^(en|zh)\b/i.test(tag)) || "en";
export const words = WORDS[wanted.slice(0, 2).toLowerCase()];
export const locale = words.lang === "en" ? wanted : words.lang;
export const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
export const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium" });
export const date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });

// What the server writes has no year and no zone: what counts is how long it was before the server's own present.
const DAY = 86400000;

function civil(time) {
    const match = /^(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/.exec(time);
    return match ? Date.UTC(2000, match[1] - 1, ...match.slice(2)) : NaN;
}

let ahead = 0; // this reader's clock before the server's, in milliseconds
export function setServerTime(time) {
    ahead = Date.now() - civil(time);
}

export function dateOf(time) {
    let moment = civil(time) + ahead;
    if (!(moment > 0)) return new Date();
    if (moment > Date.now() + DAY) moment -= 366 * DAY; // last year's
    return new Date(Math.min(moment, Date.now()));
}

// What the server says, in the reader's language where it is known.
export const ofServer = (text) => words.ofServer?.[text] ?? text;

export function say(key, values = {}) {
    return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Like `say`, but values may be nodes; what they hold never meets a parser.
export function put(element, key, values = {}) {
    const parts = words[key].split(/\{(\w+)\}/).map((part, index) => (index % 2 ? values[part] : part));
    element.replaceChildren(...parts);
    return element;
}
