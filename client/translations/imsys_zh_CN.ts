<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name></name>
    <message>
        <source>The certificate of {server} has changed.</source>
        <translation>{server} 的证书已改变。</translation>
    </message>
    <message>
        <source>Look at it</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>Add an account</source>
        <translation>添加账号</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Sign out</source>
        <translation>退出登录</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>You have signed out.</source>
        <translation>您已退出登录。</translation>
    </message>
    <message>
        <source>New message</source>
        <translation>新消息</translation>
    </message>
    <message>
        <source>Reply</source>
        <translation>回复</translation>
    </message>
    <message>
        <source>Something went wrong; it is in the log.</source>
        <translation>出了点问题，详情已写入日志。</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详情</translation>
    </message>
    <message>
        <source>Open a link</source>
        <translation>打开链接</translation>
    </message>
    <message>
        <source>This link leads to {host}. Its text may look like something else.</source>
        <translation>此链接指向 {host}，其文字可能看起来像别的地址。</translation>
    </message>
    <message>
        <source>Write a mail?</source>
        <translation>写邮件？</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Copy link</source>
        <translation>复制链接</translation>
    </message>
    <message>
        <source>disappears {time}</source>
        <translation>{time} 消失</translation>
    </message>
    <message>
        <source>edited {time}</source>
        <translation>编辑于 {time}</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Copy selected</source>
        <translation>复制所选内容</translation>
    </message>
    <message>
        <source>Copy text</source>
        <translation>复制文字</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Message deleted</source>
        <translation>消息已删除</translation>
    </message>
    <message>
        <source>This version does not know this kind of message.</source>
        <translation>此版本无法识别这种消息。</translation>
    </message>
    <message>
        <source>Not sent</source>
        <translation>未发送</translation>
    </message>
    <message>
        <source>Live stream</source>
        <translation>直播</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Give it a title of 1 to 100 characters.</source>
        <translation>请起一个 1 到 100 个字符的标题。</translation>
    </message>
    <message>
        <source>The title may not contain control characters.</source>
        <translation>标题不能包含控制字符。</translation>
    </message>
    <message>
        <source>Choose a file.</source>
        <translation>请选择一个文件。</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>没有找到摄像头。</translation>
    </message>
    <message>
        <source>There is no screen that can be recorded.</source>
        <translation>没有可以录制的屏幕。</translation>
    </message>
    <message>
        <source>{count} watching</source>
        <translation>{count} 人在看</translation>
    </message>
    <message>
        <source>1 watching</source>
        <translation>1 人在看</translation>
    </message>
    <message>
        <source>{count} pictures/s</source>
        <translation>{count} 帧/秒</translation>
    </message>
    <message>
        <source>{count} not sent</source>
        <translation>{count} 帧未发出</translation>
    </message>
    <message>
        <source>The server has ended this stream.</source>
        <translation>服务器结束了这场直播。</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>直播</translation>
    </message>
    <message>
        <source>Watch</source>
        <translation>观看</translation>
    </message>
    <message>
        <source>The stream has ended</source>
        <translation>直播已结束</translation>
    </message>
    <message>
        <source>Unread messages</source>
        <translation>未读消息</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>d MMMM</source>
        <translation>M月d日</translation>
    </message>
    <message>
        <source>MMMM d</source>
        <translation>M月d日</translation>
    </message>
    <message>
        <source>d MMMM yyyy</source>
        <translation>yyyy年M月d日</translation>
    </message>
    <message>
        <source>MMMM d, yyyy</source>
        <translation>yyyy年M月d日</translation>
    </message>
    <message>
        <source>{day}, {time}</source>
        <translation>{day} {time}</translation>
    </message>
    <message>
        <source>{count} s left</source>
        <translation>还剩 {count} 秒</translation>
    </message>
    <message>
        <source>{count} min left</source>
        <translation>还剩 {count} 分钟</translation>
    </message>
    <message>
        <source>{count} h left</source>
        <translation>还剩 {count} 小时</translation>
    </message>
    <message>
        <source>It could not be transferred</source>
        <translation>无法传输</translation>
    </message>
    <message>
        <source>{done} of {size}</source>
        <translation>{done} / {size}</translation>
    </message>
    <message>
        <source>{size}/s</source>
        <translation>{size}/秒</translation>
    </message>
    <message>
        <source>Waiting …</source>
        <translation>等待中…</translation>
    </message>
    <message>
        <source>Preparing …</source>
        <translation>准备中…</translation>
    </message>
    <message>
        <source>Finishing …</source>
        <translation>即将完成…</translation>
    </message>
    <message>
        <source>Forwarded</source>
        <translation>转发</translation>
    </message>
    <message>
        <source>Forwarded from {name}</source>
        <translation>转发自 {name}</translation>
    </message>
    <message>
        <source>Earlier message</source>
        <translation>更早的消息</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>The picture could not be written to this disk. Make room on it, and paste it again.</source>
        <translation>图片无法写入磁盘。请腾出空间后重新粘贴。</translation>
    </message>
    <message>
        <source>A caption has at most 4,096 characters: {count} are too many.</source>
        <translation>说明最多 4,096 个字符，多了 {count} 个。</translation>
    </message>
    <message>
        <source>At most 100 files are sent at once: the others were left out. Send them afterwards.</source>
        <translation>一次最多发送 100 个文件，其余的没有加入，请之后再发送。</translation>
    </message>
    <message>
        <source>This is a folder. Pack it into an archive, and send that.</source>
        <translation>这是文件夹。请打包成压缩文件后再发送。</translation>
    </message>
    <message>
        <source>This is no file that can be sent.</source>
        <translation>这不是可以发送的文件。</translation>
    </message>
    <message>
        <source>This file is not there any more.</source>
        <translation>此文件已不存在。</translation>
    </message>
    <message>
        <source>This file cannot be read. Look at its permissions.</source>
        <translation>无法读取此文件，请检查其权限。</translation>
    </message>
    <message>
        <source>Servers usually take files of up to 2 GB: this one may be refused.</source>
        <translation>服务器通常接受不超过 2 GB 的文件，此文件可能会被拒绝。</translation>
    </message>
    <message>
        <source>File: {name}</source>
        <translation>文件：{name}</translation>
    </message>
    <message>
        <source>Sound: {name}</source>
        <translation>音频：{name}</translation>
    </message>
    <message>
        <source>Video</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>A message that this version does not know</source>
        <translation>此版本无法识别的消息</translation>
    </message>
    <message>
        <source>not sent: {reason}</source>
        <translation>未发送：{reason}</translation>
    </message>
    <message>
        <source>not sent</source>
        <translation>未发送</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待发送</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>已发送</translation>
    </message>
    <message>
        <source>delivered</source>
        <translation>已送达</translation>
    </message>
    <message>
        <source>read</source>
        <translation>已读</translation>
    </message>
    <message>
        <source>You</source>
        <translation>我</translation>
    </message>
    <message>
        <source>You to {name}</source>
        <translation>您发给 {name}</translation>
    </message>
    <message>
        <source>answer to: {text}</source>
        <translation>回复：{text}</translation>
    </message>
    <message>
        <source>edited</source>
        <translation>已编辑</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>已置顶</translation>
    </message>
    <message>
        <source>mentions you</source>
        <translation>提到了你</translation>
    </message>
    <message>
        <source>{name}, {time}: {text}</source>
        <translation>{name}，{time}：{text}</translation>
    </message>
    <message>
        <source>Something unexpected happened. Try again.</source>
        <translation>发生了意外情况，请重试。</translation>
    </message>
    <message>
        <source>{seconds} s behind</source>
        <translation>延迟 {seconds} 秒</translation>
    </message>
    <message>
        <source>Install it with “winget install ffmpeg”.</source>
        <translation>请用“winget install ffmpeg”安装。</translation>
    </message>
    <message>
        <source>Install it with “brew install ffmpeg”.</source>
        <translation>请用“brew install ffmpeg”安装。</translation>
    </message>
    <message>
        <source>Install the package “ffmpeg”.</source>
        <translation>请安装软件包“ffmpeg”。</translation>
    </message>
    <message>
        <source>Video needs ffmpeg, which is not on this computer.</source>
        <translation>视频需要 ffmpeg，但这台电脑上没有。</translation>
    </message>
    <message>
        <source>ffmpeg has ended unexpectedly. Try again.</source>
        <translation>ffmpeg 意外退出，请重试。</translation>
    </message>
    <message>
        <source>This cannot be played: it is damaged, or of a kind that is not known here.</source>
        <translation>无法播放：文件已损坏，或者是无法识别的类型。</translation>
    </message>
    <message>
        <source>There are no pictures in this.</source>
        <translation>其中没有画面。</translation>
    </message>
    <message>
        <source>The pictures of this are too large to be shown here: 4096 × 2304 is the most.</source>
        <translation>画面太大，无法显示：最大为 4096 × 2304。</translation>
    </message>
    <message>
        <source>This stream is of a kind that ffmpeg reads since version 6.1, and yours is older. Install a newer one.</source>
        <translation>这场直播的格式需要 ffmpeg 6.1 或更高版本，您的版本较旧，请升级。</translation>
    </message>
    <message>
        <source>The file is not there any more.</source>
        <translation>文件已经不在了。</translation>
    </message>
    <message>
        <source>The server of this stream cannot be reached.</source>
        <translation>无法连接到直播服务器。</translation>
    </message>
    <message>
        <source>The server of this stream has another certificate than the one that you trust. Nothing was sent to it.</source>
        <translation>直播服务器的证书与您信任的证书不同，没有向它发送任何内容。</translation>
    </message>
    <message>
        <source>The server says that this stream cannot be had now: it may be over.</source>
        <translation>服务器表示现在无法观看这场直播：它可能已经结束。</translation>
    </message>
    <message>
        <source>The connection to the stream has broken off.</source>
        <translation>与直播的连接已断开。</translation>
    </message>
    <message>
        <source>Nothing comes from what you chose. Is it connected, and may this program use it?</source>
        <translation>所选的来源没有画面。它已连接吗？本程序有权使用它吗？</translation>
    </message>
    <message>
        <source>Another program uses what you chose. Close it there, and try again.</source>
        <translation>所选的来源正被其他程序使用，请在那里关闭后重试。</translation>
    </message>
    <message>
        <source>Your ffmpeg cannot make H.264. Install one with libx264.</source>
        <translation>您的 ffmpeg 不能编码 H.264，请安装带有 libx264 的版本。</translation>
    </message>
    <message>
        <source>Under Wayland a program may not record the screen. Sign in to an X11 session, or choose a camera or a file.</source>
        <translation>在 Wayland 下程序不能录制屏幕。请登录 X11 会话，或选择摄像头或文件。</translation>
    </message>
    <message>
        <source>No sound: Qt Multimedia is not installed (pip install &apos;imsys[client-sound]&apos;).</source>
        <translation>没有声音：未安装 Qt Multimedia（pip install &apos;imsys[client-sound]&apos;）。</translation>
    </message>
    <message>
        <source>No sound: this computer has no output for it.</source>
        <translation>没有声音：这台电脑没有音频输出。</translation>
    </message>
    <message>
        <source>{number} Mbit/s</source>
        <translation>{number} Mbit/s</translation>
    </message>
    <message>
        <source>{number} kbit/s</source>
        <translation>{number} kbit/s</translation>
    </message>
    <message>
        <source>There is no program for files of this kind. Save it, and open it with one that you choose.</source>
        <translation>没有能打开此类文件的程序。请保存后用您选择的程序打开。</translation>
    </message>
    <message>
        <source>The folder could not be shown. It is {folder}</source>
        <translation>无法显示文件夹。它是 {folder}</translation>
    </message>
    <message>
        <source>Open a program</source>
        <translation>打开程序</translation>
    </message>
    <message>
        <source>{name} may be a program.</source>
        <translation>{name} 可能是程序。</translation>
    </message>
    <message>
        <source>It comes from {name}.</source>
        <translation>它来自{name}。</translation>
    </message>
    <message>
        <source>A program can read and change all that you can. Open it only if you know what it is and expected it.</source>
        <translation>程序可以读取和更改您能访问的一切。只有在您知道它是什么并且正在等它时才打开。</translation>
    </message>
    <message>
        <source>Open anyway</source>
        <translation>仍然打开</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>The file is not there any more, or cannot be read.</source>
        <translation>文件已不存在，或无法读取。</translation>
    </message>
    <message>
        <source>This file is no picture that can be shown here. It can be opened with another program.</source>
        <translation>此文件不是这里能显示的图片。可以用其他程序打开。</translation>
    </message>
    <message>
        <source>This picture is too large to be shown here. It can be saved, and opened with another program.</source>
        <translation>此图片太大，无法在这里显示。可以保存后用其他程序打开。</translation>
    </message>
    <message>
        <source>This picture is damaged. Whoever sent it may send it again.</source>
        <translation>此图片已损坏。可以请发送者重新发送。</translation>
    </message>
    <message>
        <source>{names} are invited: they decide themselves.</source>
        <translation>已邀请{names}，由对方自己决定。</translation>
    </message>
    <message>
        <source>{names} do not want to be added to groups.</source>
        <translation>{names}不希望被加入群组。</translation>
    </message>
    <message>
        <source>{actor} created the group “{title}”</source>
        <translation>{actor}创建了群组“{title}”</translation>
    </message>
    <message>
        <source>{actor} joined the group</source>
        <translation>{actor}加入了群组</translation>
    </message>
    <message>
        <source>{actor} added {people}</source>
        <translation>{actor}添加了{people}</translation>
    </message>
    <message>
        <source>{actor} joined by a link</source>
        <translation>{actor}通过链接加入</translation>
    </message>
    <message>
        <source>{actor} left the group</source>
        <translation>{actor}退出了群组</translation>
    </message>
    <message>
        <source>{actor} removed {people}</source>
        <translation>{actor}移出了{people}</translation>
    </message>
    <message>
        <source>{actor} made {people} an admin</source>
        <translation>{actor}将{people}设为管理员</translation>
    </message>
    <message>
        <source>{actor} took the admin role from {people}</source>
        <translation>{actor}取消了{people}的管理员身份</translation>
    </message>
    <message>
        <source>{actor} made {people} the owner</source>
        <translation>{actor}将群主转让给{people}</translation>
    </message>
    <message>
        <source>{actor} muted {people} until {time}</source>
        <translation>{actor}将{people}禁言至 {time}</translation>
    </message>
    <message>
        <source>{actor} muted {people}</source>
        <translation>{actor}禁言了{people}</translation>
    </message>
    <message>
        <source>{actor} lets {people} write again</source>
        <translation>{actor}解除了{people}的禁言</translation>
    </message>
    <message>
        <source>{actor} named the group “{title}”</source>
        <translation>{actor}将群组命名为“{title}”</translation>
    </message>
    <message>
        <source>{actor} changed the description</source>
        <translation>{actor}修改了群介绍</translation>
    </message>
    <message>
        <source>{actor} changed the picture of the group</source>
        <translation>{actor}更换了群头像</translation>
    </message>
    <message>
        <source>{actor} lets only admins write</source>
        <translation>{actor}设为仅管理员可发言</translation>
    </message>
    <message>
        <source>{actor} lets everybody write</source>
        <translation>{actor}设为所有人可发言</translation>
    </message>
    <message>
        <source>{actor} lets newcomers read what was said before</source>
        <translation>{actor}允许新成员查看以前的消息</translation>
    </message>
    <message>
        <source>{people} has the group now</source>
        <translation>群组现在归{people}所有</translation>
    </message>
    <message>
        <source>{actor} set messages to disappear after {time}</source>
        <translation>{actor}设置消息在{time}后消失</translation>
    </message>
    <message>
        <source>{actor} set messages to stay</source>
        <translation>{actor}设置消息不再消失</translation>
    </message>
    <message>
        <source>{actor} hides from newcomers what was said before</source>
        <translation>{actor}不让新成员查看以前的消息</translation>
    </message>
    <message>
        <source>{names} and {count} others</source>
        <translation>{names}等另外{count}人</translation>
    </message>
</context>
<context>
    <name>About</name>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>System</source>
        <translation>系统</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务器</translation>
    </message>
</context>
<context>
    <name>AboutPage</name>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>许可证</translation>
    </message>
</context>
<context>
    <name>AccountPage</name>
    <message>
        <source>Account</source>
        <translation>账号</translation>
    </message>
    <message>
        <source>Choose a picture …</source>
        <translation>选择图片…</translation>
    </message>
    <message>
        <source>Not said</source>
        <translation>不透露</translation>
    </message>
    <message>
        <source>Male</source>
        <translation>男</translation>
    </message>
    <message>
        <source>Female</source>
        <translation>女</translation>
    </message>
    <message>
        <source>Nickname</source>
        <translation>昵称</translation>
    </message>
    <message>
        <source>About me</source>
        <translation>个人简介</translation>
    </message>
    <message>
        <source>Sex</source>
        <translation>性别</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>Sign out</source>
        <translation>退出登录</translation>
    </message>
    <message>
        <source>Remove this account from this computer</source>
        <translation>从这台电脑上移除此账号</translation>
    </message>
    <message>
        <source>Everything of it that is kept on this computer is removed; what the server has stays.</source>
        <translation>这台电脑上保存的该账号的全部内容都将删除；服务器上的内容不受影响。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>{name}, number {number}, on {server}</source>
        <translation>{name}，编号 {number}，位于 {server}</translation>
    </message>
    <message>
        <source>The description has {count} characters, and at most {most} are kept.</source>
        <translation>简介有 {count} 个字符，最多 {most} 个。</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>已保存</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Choose a picture</source>
        <translation>选择图片</translation>
    </message>
</context>
<context>
    <name>AccountView</name>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Forward to a conversation</source>
        <translation>转发到会话</translation>
    </message>
    <message>
        <source>Forward to …</source>
        <translation>转发给…</translation>
    </message>
</context>
<context>
    <name>AddMembersPage</name>
    <message>
        <source>Add members</source>
        <translation>添加成员</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
</context>
<context>
    <name>AppearancePage</name>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>As the system has it</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Colours</source>
        <translation>颜色</translation>
    </message>
    <message>
        <source>Size of texts</source>
        <translation>文字大小</translation>
    </message>
    <message>
        <source>All messages at one side</source>
        <translation>所有消息都靠一侧</translation>
    </message>
    <message>
        <source>Where the window is wide.</source>
        <translation>仅在窗口较宽时。</translation>
    </message>
    <message>
        <source>Less motion</source>
        <translation>减少动画</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>输入</translation>
    </message>
    <message>
        <source>Enter sends</source>
        <translation>按 Enter 发送</translation>
    </message>
    <message>
        <source>Ctrl+Enter sends, Enter begins a line</source>
        <translation>按 Ctrl+Enter 发送，Enter 换行</translation>
    </message>
    <message>
        <source>Sending</source>
        <translation>发送</translation>
    </message>
</context>
<context>
    <name>Avatar</name>
    <message>
        <source>The picture could not be written to this disk. Make room on it, and try again.</source>
        <translation>图片无法写入磁盘。请腾出空间后重试。</translation>
    </message>
</context>
<context>
    <name>Badge</name>
    <message numerus="yes">
        <source>%n unread</source>
        <translation>
            <numerusform>%n 条未读</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Barred</name>
    <message>
        <source>Only admins write in this channel.</source>
        <translation>此频道仅管理员可发言。</translation>
    </message>
    <message>
        <source>You are not in this group any more.</source>
        <translation>你已不在此群组中。</translation>
    </message>
    <message>
        <source>An admin has muted you here until {time}.</source>
        <translation>管理员已将你在此禁言至 {time}。</translation>
    </message>
    <message>
        <source>You have blocked {name}.</source>
        <translation>您已屏蔽 {name}。</translation>
    </message>
    <message>
        <source>Unblock</source>
        <translation>取消屏蔽</translation>
    </message>
    <message>
        <source>{name} asks to be friends with you again.</source>
        <translation>{name} 请求再次与您成为好友。</translation>
    </message>
    <message>
        <source>Accept</source>
        <translation>接受</translation>
    </message>
    <message>
        <source>You have asked {name} to be friends again.</source>
        <translation>您已请求 {name} 再次成为好友。</translation>
    </message>
    <message>
        <source>You and {name} are not friends, so you cannot write to each other.</source>
        <translation>您和 {name} 不是好友，因此无法互发消息。</translation>
    </message>
    <message>
        <source>Send friend request</source>
        <translation>发送好友请求</translation>
    </message>
</context>
<context>
    <name>CertificatePage</name>
    <message>
        <source>Is this your server?</source>
        <translation>这是您的服务器吗？</translation>
    </message>
    <message>
        <source>Fingerprint</source>
        <translation>指纹</translation>
    </message>
    <message>
        <source>It is the same: trust this server</source>
        <translation>完全一致：信任此服务器</translation>
    </message>
    <message>
        <source>Another server</source>
        <translation>其他服务器</translation>
    </message>
    <message>
        <source>The server&apos;s certificate has changed</source>
        <translation>服务器的证书已改变</translation>
    </message>
    <message>
        <source>Somebody may be listening in. Do not go on before whoever runs the server has told you, on another way, that this is the fingerprint of the new certificate.</source>
        <translation>可能有人在窃听。请先通过其他途径向服务器的管理者确认这就是新证书的指纹，再继续。</translation>
    </message>
    <message>
        <source>No authority vouches for its certificate. Ask whoever runs the server for its fingerprint, and compare. You are asked this once; should it change later, you are warned.</source>
        <translation>没有任何机构为其证书担保。请向服务器的管理者索取指纹并核对。只会询问这一次；以后若有变化会警告您。</translation>
    </message>
    <message>
        <source>For {subject}, signed by {issuer}, until {date}.</source>
        <translation>颁发给 {subject}，由 {issuer} 签发，有效期至 {date}。</translation>
    </message>
</context>
<context>
    <name>CodeButton</name>
    <message>
        <source>Again in {seconds} s</source>
        <translation>{seconds} 秒后重发</translation>
    </message>
    <message>
        <source>Send again</source>
        <translation>重新发送</translation>
    </message>
    <message>
        <source>Send code</source>
        <translation>发送验证码</translation>
    </message>
</context>
<context>
    <name>ColumnPage</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
</context>
<context>
    <name>Completion</name>
    <message>
        <source>Mention somebody</source>
        <translation>提及某人</translation>
    </message>
    <message>
        <source>Everybody</source>
        <translation>所有人</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Write a message</source>
        <translation>输入消息</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>发消息</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>添加附件</translation>
    </message>
    <message>
        <source>Emoji</source>
        <translation>表情</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>Send (Enter)</source>
        <translation>发送 (Enter)</translation>
    </message>
    <message>
        <source>Send (Ctrl+Enter)</source>
        <translation>发送 (Ctrl+Enter)</translation>
    </message>
    <message numerus="yes">
        <source>%n messages are sent later</source>
        <translation>
            <numerusform>%n 条消息将稍后发送</numerusform>
        </translation>
    </message>
    <message>
        <source>Send later …</source>
        <translation>稍后发送…</translation>
    </message>
    <message>
        <source>What is sent later …</source>
        <translation>稍后发送的消息…</translation>
    </message>
    <message>
        <source>Not any more</source>
        <translation>取消</translation>
    </message>
    <message numerus="yes">
        <source>%n characters left</source>
        <translation>
            <numerusform>还可输入 %n 个字符</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ConnectionBanner</name>
    <message>
        <source>the server</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Connecting to {server} …</source>
        <translation>正在连接 {server}…</translation>
    </message>
    <message>
        <source>No connection to {server}. {reason}</source>
        <translation>无法连接到 {server}。{reason}</translation>
    </message>
    <message>
        <source>Retry now</source>
        <translation>立即重试</translation>
    </message>
    <message>
        <source>You are signed out of {server}.</source>
        <translation>您已退出 {server}。</translation>
    </message>
    <message>
        <source>Sign in</source>
        <translation>登录</translation>
    </message>
    <message>
        <source>Offline: {server} is not connected. {reason}</source>
        <translation>离线：未连接 {server}。{reason}</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>连接</translation>
    </message>
    <message>
        <source>Reconnecting in {seconds} s</source>
        <translation>{seconds} 秒后重新连接</translation>
    </message>
    <message>
        <source>Reconnecting in {minutes} min</source>
        <translation>{minutes} 分钟后重新连接</translation>
    </message>
</context>
<context>
    <name>ContactsPane</name>
    <message>
        <source>Search friends</source>
        <translation>搜索好友</translation>
    </message>
    <message>
        <source>New friends</source>
        <translation>新的好友</translation>
    </message>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
    <message>
        <source>New group</source>
        <translation>新建群组</translation>
    </message>
    <message>
        <source>No friends yet</source>
        <translation>还没有好友</translation>
    </message>
    <message>
        <source>Find people by name.</source>
        <translation>按名字查找用户。</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有结果</translation>
    </message>
    <message>
        <source>No friend has this name.</source>
        <translation>没有叫这个名字的好友。</translation>
    </message>
    <message>
        <source>Search all people</source>
        <translation>搜索所有用户</translation>
    </message>
</context>
<context>
    <name>ConversationRow</name>
    <message>
        <source>LIVE</source>
        <translation>直播中</translation>
    </message>
    <message>
        <source>Draft:</source>
        <translation>草稿：</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>No messages yet</source>
        <translation>还没有消息</translation>
    </message>
    <message>
        <source>You</source>
        <translation>我</translation>
    </message>
    <message>
        <source>you are mentioned</source>
        <translation>有人提到您</translation>
    </message>
    <message>
        <source>Draft: {text}</source>
        <translation>草稿：{text}</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>已置顶</translation>
    </message>
    <message>
        <source>muted</source>
        <translation>已静音</translation>
    </message>
    <message>
        <source>archived</source>
        <translation>已归档</translation>
    </message>
    <message>
        <source>live now</source>
        <translation>正在直播</translation>
    </message>
</context>
<context>
    <name>ConversationRows</name>
    <message>
        <source>Conversations</source>
        <translation>会话</translation>
    </message>
</context>
<context>
    <name>ConversationView</name>
    <message>
        <source>Say hello</source>
        <translation>打个招呼吧</translation>
    </message>
    <message>
        <source>There are no messages yet.</source>
        <translation>这里还没有消息。</translation>
    </message>
    <message>
        <source>Choose a conversation</source>
        <translation>选择一个会话</translation>
    </message>
    <message>
        <source>Or find somebody to talk to.</source>
        <translation>或者找个人聊聊。</translation>
    </message>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
    <message>
        <source>A message has at most 4,096 characters.</source>
        <translation>一条消息最多 4,096 个字符。</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
</context>
<context>
    <name>CreateGroupPage</name>
    <message>
        <source>New group</source>
        <translation>新建群组</translation>
    </message>
    <message>
        <source>Everybody</source>
        <translation>所有人</translation>
    </message>
    <message>
        <source>Only admins: a channel</source>
        <translation>仅管理员：频道</translation>
    </message>
    <message>
        <source>All that was said before</source>
        <translation>以前的全部消息</translation>
    </message>
    <message>
        <source>What is said after they came</source>
        <translation>加入之后的消息</translation>
    </message>
    <message>
        <source>Create group</source>
        <translation>创建群组</translation>
    </message>
    <message>
        <source>Name of the group</source>
        <translation>群组名称</translation>
    </message>
    <message>
        <source>Who writes</source>
        <translation>谁可以发言</translation>
    </message>
    <message>
        <source>What newcomers read</source>
        <translation>新成员可查看</translation>
    </message>
    <message>
        <source>Members</source>
        <translation>成员</translation>
    </message>
</context>
<context>
    <name>CropCanvas</name>
    <message>
        <source>Part of the picture</source>
        <translation>图片的选取部分</translation>
    </message>
    <message>
        <source>{width} × {height} pixels, from the left {left}, from above {top}</source>
        <translation>{width} × {height} 像素，距左边 {left}，距上边 {top}</translation>
    </message>
</context>
<context>
    <name>CropDialog</name>
    <message>
        <source>Choose what is seen</source>
        <translation>选择要显示的部分</translation>
    </message>
    <message>
        <source>This cannot become an avatar</source>
        <translation>这不能用作头像</translation>
    </message>
    <message>
        <source>Use this part</source>
        <translation>使用这一部分</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>重置</translation>
    </message>
    <message>
        <source>Circle</source>
        <translation>圆形</translation>
    </message>
    <message>
        <source>Square</source>
        <translation>正方形</translation>
    </message>
    <message>
        <source>Ellipse</source>
        <translation>椭圆</translation>
    </message>
    <message>
        <source>Rectangle</source>
        <translation>矩形</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Drag the part or its handles. Arrows move it, Ctrl and arrows change its size.</source>
        <translation>拖动选取部分或其控制点。方向键移动，Ctrl 加方向键改变大小。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>Details</name>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>查找</translation>
    </message>
    <message>
        <source>Messages stay</source>
        <translation>消息不会消失</translation>
    </message>
    <message>
        <source>Messages disappear after {time}</source>
        <translation>消息在{time}后消失</translation>
    </message>
    <message>
        <source>Unmute</source>
        <translation>取消静音</translation>
    </message>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
</context>
<context>
    <name>Device</name>
    <message>
        <source>Computer</source>
        <translation>电脑</translation>
    </message>
    <message>
        <source>Browser</source>
        <translation>浏览器</translation>
    </message>
    <message>
        <source>Phone</source>
        <translation>手机</translation>
    </message>
    <message>
        <source>Terminal</source>
        <translation>终端</translation>
    </message>
    <message>
        <source>Bot</source>
        <translation>机器人</translation>
    </message>
    <message>
        <source>Unknown device</source>
        <translation>未知设备</translation>
    </message>
    <message>
        <source>Signed in: {time}</source>
        <translation>登录时间：{time}</translation>
    </message>
    <message>
        <source>Online</source>
        <translation>在线</translation>
    </message>
    <message>
        <source>Last seen: {time}</source>
        <translation>最后在线：{time}</translation>
    </message>
    <message>
        <source>New sign-in: {name} ({kind}), {time}.</source>
        <translation>新的登录：{name}（{kind}），{time}。</translation>
    </message>
    <message>
        <source>And %n more.</source>
        <translation>另有 %n 处。</translation>
    </message>
</context>
<context>
    <name>DeviceRow</name>
    <message>
        <source>Sign out</source>
        <translation>退出登录</translation>
    </message>
    <message>
        <source>Rename {name}</source>
        <translation>重命名“{name}”</translation>
    </message>
    <message>
        <source>Sign out {name}</source>
        <translation>让“{name}”退出登录</translation>
    </message>
    <message>
        <source>Sign out {name}? It needs the password to come back.</source>
        <translation>要让“{name}”退出登录吗？再次登录需要密码。</translation>
    </message>
</context>
<context>
    <name>DevicesPage</name>
    <message>
        <source>Devices</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Whoever has one of these in hand reads and writes as you. Sign out what you do not know.</source>
        <translation>拿到其中任何一台设备的人，都能以你的身份读写消息。不认识的设备请让它退出登录。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>This device</source>
        <translation>这台设备</translation>
    </message>
    <message>
        <source>Sign out all other devices</source>
        <translation>让其他所有设备退出登录</translation>
    </message>
    <message>
        <source>Sign out all devices but this one? They need the password to come back.</source>
        <translation>要让这台设备以外的所有设备退出登录吗？再次登录需要密码。</translation>
    </message>
    <message>
        <source>Sign them out</source>
        <translation>全部退出</translation>
    </message>
    <message>
        <source>Other devices</source>
        <translation>其他设备</translation>
    </message>
    <message>
        <source>You are signed in nowhere else.</source>
        <translation>你没有在其他地方登录。</translation>
    </message>
    <message>
        <source>Reading …</source>
        <translation>正在读取…</translation>
    </message>
</context>
<context>
    <name>DownButton</name>
    <message>
        <source>To the newest messages</source>
        <translation>到最新消息</translation>
    </message>
    <message numerus="yes">
        <source>%n unread</source>
        <translation>
            <numerusform>%n 条未读</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>EmojiPicker</name>
    <message>
        <source>Emoji</source>
        <translation>表情</translation>
    </message>
    <message>
        <source>Search emoji</source>
        <translation>搜索表情</translation>
    </message>
    <message>
        <source>No emoji of that name</source>
        <translation>没有这个表情</translation>
    </message>
    <message>
        <source>Recent</source>
        <translation>最近使用</translation>
    </message>
    <message>
        <source>Smileys and emotion</source>
        <translation>笑脸与情感</translation>
    </message>
    <message>
        <source>People and body</source>
        <translation>人物与身体</translation>
    </message>
    <message>
        <source>Animals and nature</source>
        <translation>动物与自然</translation>
    </message>
    <message>
        <source>Food and drink</source>
        <translation>食物与饮料</translation>
    </message>
    <message>
        <source>Travel and places</source>
        <translation>旅行与地点</translation>
    </message>
    <message>
        <source>Activities</source>
        <translation>活动</translation>
    </message>
    <message>
        <source>Objects</source>
        <translation>物品</translation>
    </message>
    <message>
        <source>Symbols</source>
        <translation>符号</translation>
    </message>
    <message>
        <source>Flags</source>
        <translation>旗帜</translation>
    </message>
    <message>
        <source>Found</source>
        <translation>搜索结果</translation>
    </message>
</context>
<context>
    <name>Field</name>
    <message>
        <source>Show the password</source>
        <translation>显示密码</translation>
    </message>
    <message>
        <source>Hide the password</source>
        <translation>隐藏密码</translation>
    </message>
</context>
<context>
    <name>FileRows</name>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
</context>
<context>
    <name>Files</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>已保存为 {name}</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Save as …</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Remove from this disk</source>
        <translation>从此磁盘移除</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>附加文件</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
</context>
<context>
    <name>FilesPage</name>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Search by name</source>
        <translation>按名称搜索</translation>
    </message>
    <message>
        <source>On this disk</source>
        <translation>在此磁盘上</translation>
    </message>
    <message>
        <source>Order</source>
        <translation>排序</translation>
    </message>
    <message>
        <source>Newest first</source>
        <translation>最新的在前</translation>
    </message>
    <message>
        <source>Largest first</source>
        <translation>最大的在前</translation>
    </message>
    <message>
        <source>No files</source>
        <translation>没有文件</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>已保存为 {name}</translation>
    </message>
    <message>
        <source>on this disk</source>
        <translation>在此磁盘上</translation>
    </message>
    <message>
        <source>not on this disk</source>
        <translation>不在此磁盘上</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有找到</translation>
    </message>
    <message>
        <source>No file is of this kind and name.</source>
        <translation>没有这种类型和名称的文件。</translation>
    </message>
    <message>
        <source>No files yet</source>
        <translation>还没有文件</translation>
    </message>
    <message>
        <source>Pictures and files of all conversations are here.</source>
        <translation>所有会话的图片和文件都在这里。</translation>
    </message>
    <message>
        <source>{size} of copies are kept on this disk.</source>
        <translation>此磁盘上保存了 {size} 的副本。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Save as …</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Go to the message</source>
        <translation>转到消息</translation>
    </message>
    <message>
        <source>Remove from this disk</source>
        <translation>从此磁盘移除</translation>
    </message>
    <message>
        <source>Remove all copies from this disk?</source>
        <translation>从此磁盘移除所有副本？</translation>
    </message>
    <message>
        <source>They can be had again from the server. What you have sent from here, or saved elsewhere, stays.</source>
        <translation>它们可以从服务器重新获取。您从这里发送的或保存到别处的文件会保留。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>Sound</source>
        <translation>声音</translation>
    </message>
    <message>
        <source>Other</source>
        <translation>其他</translation>
    </message>
</context>
<context>
    <name>FilmPanel</name>
    <message>
        <source>Play</source>
        <translation>播放</translation>
    </message>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Fetching the file …</source>
        <translation>正在获取文件…</translation>
    </message>
    <message>
        <source>The film begins …</source>
        <translation>视频即将开始…</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Sound on</source>
        <translation>打开声音</translation>
    </message>
    <message>
        <source>Leave full screen</source>
        <translation>退出全屏</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Find in this conversation</source>
        <translation>在会话中查找</translation>
    </message>
    <message>
        <source>Older</source>
        <translation>更早</translation>
    </message>
    <message>
        <source>Newer</source>
        <translation>更新</translation>
    </message>
    <message>
        <source>Go to a day</source>
        <translation>跳转到日期</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation>{number} / {count}</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有结果</translation>
    </message>
</context>
<context>
    <name>FindPage</name>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
    <message>
        <source>Type somebody&apos;s whole user name, and press Enter.</source>
        <translation>输入完整的用户名，然后按 Enter。</translation>
    </message>
    <message>
        <source>User name</source>
        <translation>用户名</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Searching …</source>
        <translation>搜索中…</translation>
    </message>
    <message>
        <source>Nobody found</source>
        <translation>没有找到</translation>
    </message>
    <message>
        <source>This is you.</source>
        <translation>这是您自己。</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>发消息</translation>
    </message>
    <message>
        <source>Hello, I am {name}.</source>
        <translation>您好，我是 {name}。</translation>
    </message>
    <message>
        <source>What you write to them</source>
        <translation>您想说的话</translation>
    </message>
    <message>
        <source>Your own name for them, if you like</source>
        <translation>备注名（可选）</translation>
    </message>
    <message>
        <source>Send friend request</source>
        <translation>发送好友请求</translation>
    </message>
    <message>
        <source>Request sent</source>
        <translation>请求已发送</translation>
    </message>
    <message>
        <source>You hear when {name} answers.</source>
        <translation>{name} 回应后会通知您。</translation>
    </message>
</context>
<context>
    <name>ForgottenPage</name>
    <message>
        <source>Forgot the password?</source>
        <translation>忘记密码？</translation>
    </message>
    <message>
        <source>A code is mailed to its address; with it you set a new one.</source>
        <translation>验证码会发到该账号的邮箱，凭它可设置新密码。</translation>
    </message>
    <message>
        <source>User name</source>
        <translation>用户名</translation>
    </message>
    <message>
        <source>E-mail address</source>
        <translation>电子邮箱</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Back to signing in</source>
        <translation>返回登录</translation>
    </message>
</context>
<context>
    <name>FriendRows</name>
    <message>
        <source>Friends</source>
        <translation>好友</translation>
    </message>
</context>
<context>
    <name>Friends</name>
    <message>
        <source>online</source>
        <translation>在线</translation>
    </message>
</context>
<context>
    <name>GoLiveDialog</name>
    <message>
        <source>Go live</source>
        <translation>开始直播</translation>
    </message>
    <message>
        <source>What is it about?</source>
        <translation>直播内容是什么？</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>Screen</source>
        <translation>屏幕</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Choose a file …</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Keep a recording in the conversation</source>
        <translation>在会话中保留录像</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>&amp;Title</source>
        <translation>标题(&amp;T)</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>来源</translation>
    </message>
    <message>
        <source>&amp;Device</source>
        <translation>设备(&amp;D)</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>文件(&amp;F)</translation>
    </message>
    <message>
        <source>&amp;Microphone</source>
        <translation>麦克风(&amp;M)</translation>
    </message>
    <message>
        <source>&amp;Quality</source>
        <translation>画质(&amp;Q)</translation>
    </message>
    <message>
        <source>Choose a film</source>
        <translation>选择视频</translation>
    </message>
    <message>
        <source>Films</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>Whole screen</source>
        <translation>整个屏幕</translation>
    </message>
    <message>
        <source>Default microphone</source>
        <translation>默认麦克风</translation>
    </message>
    <message>
        <source>No sound</source>
        <translation>无声音</translation>
    </message>
    <message>
        <source>Starting …</source>
        <translation>正在开始…</translation>
    </message>
</context>
<context>
    <name>GroupPane</name>
    <message>
        <source>Add members</source>
        <translation>添加成员</translation>
    </message>
    <message>
        <source>Group settings</source>
        <translation>群组设置</translation>
    </message>
    <message>
        <source>They ask to be let in</source>
        <translation>申请加入的人</translation>
    </message>
    <message>
        <source>Members</source>
        <translation>成员</translation>
    </message>
    <message>
        <source>Search members</source>
        <translation>搜索成员</translation>
    </message>
    <message>
        <source>Leave group</source>
        <translation>退出群组</translation>
    </message>
    <message>
        <source>Leave this group? What was said stays here.</source>
        <translation>退出此群组？已有的消息会保留在这里。</translation>
    </message>
    <message>
        <source>Leave</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>频道</translation>
    </message>
    <message numerus="yes">
        <source>%n members</source>
        <translation>
            <numerusform>%n 位成员</numerusform>
        </translation>
    </message>
    <message>
        <source>You are not in this group any more.</source>
        <translation>你已不在此群组中。</translation>
    </message>
    <message numerus="yes">
        <source>and %n more</source>
        <translation>
            <numerusform>以及另外 %n 人</numerusform>
        </translation>
    </message>
    <message>
        <source>owner</source>
        <translation>群主</translation>
    </message>
    <message>
        <source>admin</source>
        <translation>管理员</translation>
    </message>
    <message>
        <source>muted</source>
        <translation>已禁言</translation>
    </message>
    <message>
        <source>until {time}</source>
        <translation>至 {time}</translation>
    </message>
    <message>
        <source>What can be done with {name}</source>
        <translation>对{name}的操作</translation>
    </message>
    <message>
        <source>Let write again</source>
        <translation>解除禁言</translation>
    </message>
    <message>
        <source>Mute for {time}</source>
        <translation>禁言{time}</translation>
    </message>
    <message>
        <source>Hand the group over …</source>
        <translation>转让群组…</translation>
    </message>
    <message>
        <source>Hand the group over to {name}?</source>
        <translation>将群组转让给{name}？</translation>
    </message>
    <message>
        <source>You are an admin then, and only they can give the group back.</source>
        <translation>之后你是管理员，只有对方才能把群组还给你。</translation>
    </message>
    <message>
        <source>Hand over</source>
        <translation>转让</translation>
    </message>
    <message>
        <source>Remove from the group …</source>
        <translation>移出群组…</translation>
    </message>
    <message>
        <source>Remove {name} from the group?</source>
        <translation>将{name}移出群组？</translation>
    </message>
    <message>
        <source>What they wrote stays. They read and get nothing of the group any more.</source>
        <translation>对方写过的内容会保留，但再也读不到、收不到群组的任何消息。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移出</translation>
    </message>
    <message>
        <source>Make an admin</source>
        <translation>设为管理员</translation>
    </message>
    <message>
        <source>Take the admin role away</source>
        <translation>取消管理员</translation>
    </message>
    <message>
        <source>Let in</source>
        <translation>同意</translation>
    </message>
    <message>
        <source>Decline</source>
        <translation>拒绝</translation>
    </message>
</context>
<context>
    <name>GroupSettingsPage</name>
    <message>
        <source>Group settings</source>
        <translation>群组设置</translation>
    </message>
    <message>
        <source>Everybody</source>
        <translation>所有人</translation>
    </message>
    <message>
        <source>Only admins: a channel</source>
        <translation>仅管理员：频道</translation>
    </message>
    <message>
        <source>All that was said before</source>
        <translation>以前的全部消息</translation>
    </message>
    <message>
        <source>What is said after they came</source>
        <translation>加入之后的消息</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Name of the group</source>
        <translation>群组名称</translation>
    </message>
    <message>
        <source>Description</source>
        <translation>群介绍</translation>
    </message>
    <message>
        <source>Who writes</source>
        <translation>谁可以发言</translation>
    </message>
    <message>
        <source>What newcomers read</source>
        <translation>新成员可查看</translation>
    </message>
    <message>
        <source>The description has {count} characters, and at most {most} are kept.</source>
        <translation>简介有 {count} 个字符，最多 {most} 个。</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>已保存</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在会话中查找</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>live now</source>
        <translation>正在直播</translation>
    </message>
    <message>
        <source>channel</source>
        <translation>频道</translation>
    </message>
    <message>
        <source>{count} members</source>
        <translation>{count} 位成员</translation>
    </message>
    <message>
        <source>1 member</source>
        <translation>1 位成员</translation>
    </message>
    <message>
        <source>{count} ask to be let in</source>
        <translation>{count} 人请求加入</translation>
    </message>
    <message>
        <source>1 asks to be let in</source>
        <translation>1 人请求加入</translation>
    </message>
    <message>
        <source>blocked</source>
        <translation>已屏蔽</translation>
    </message>
</context>
<context>
    <name>HeirDialog</name>
    <message>
        <source>Hand the group over</source>
        <translation>转让群组</translation>
    </message>
    <message>
        <source>Search members</source>
        <translation>搜索成员</translation>
    </message>
    <message>
        <source>Members</source>
        <translation>成员</translation>
    </message>
    <message>
        <source>Hand over and leave</source>
        <translation>转让并退出</translation>
    </message>
    <message>
        <source>You own this group. Choose who owns it when you have left.</source>
        <translation>你是群主。请选择你退出后由谁担任群主。</translation>
    </message>
    <message>
        <source>admin</source>
        <translation>管理员</translation>
    </message>
</context>
<context>
    <name>InvitationCard</name>
    <message>
        <source>{name} invites you</source>
        <translation>{name}邀请你</translation>
    </message>
    <message numerus="yes">
        <source>%n members</source>
        <translation>
            <numerusform>%n 位成员</numerusform>
        </translation>
    </message>
    <message>
        <source>Accept</source>
        <translation>接受</translation>
    </message>
    <message>
        <source>Decline</source>
        <translation>拒绝</translation>
    </message>
</context>
<context>
    <name>Invitations</name>
    <message>
        <source>Invitations to groups</source>
        <translation>群组邀请</translation>
    </message>
</context>
<context>
    <name>JoinByLink</name>
    <message>
        <source>See where it leads</source>
        <translation>查看链接</translation>
    </message>
    <message>
        <source>Link into a group</source>
        <translation>群组链接</translation>
    </message>
    <message numerus="yes">
        <source>%n members</source>
        <translation>
            <numerusform>%n 位成员</numerusform>
        </translation>
    </message>
    <message>
        <source>an admin lets you in</source>
        <translation>需管理员同意</translation>
    </message>
    <message>
        <source>Ask to be let in</source>
        <translation>申请加入</translation>
    </message>
    <message>
        <source>Join</source>
        <translation>加入</translation>
    </message>
    <message>
        <source>The admins of the group are asked; it appears here when one lets you in.</source>
        <translation>已向群管理员申请；获同意后群组会出现在这里。</translation>
    </message>
</context>
<context>
    <name>LanguagePage</name>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>As the system has it</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>It changes when the program is started the next time.</source>
        <translation>下次启动程序时生效。</translation>
    </message>
</context>
<context>
    <name>LaterPlace</name>
    <message>
        <source>Messages disappear after {time}</source>
        <translation>消息在{time}后消失</translation>
    </message>
    <message>
        <source>New messages disappear after</source>
        <translation>新消息消失的时间</translation>
    </message>
    <message>
        <source>Never: they stay</source>
        <translation>从不：一直保留</translation>
    </message>
    <message>
        <source>Only admins change this</source>
        <translation>只有管理员可以更改</translation>
    </message>
</context>
<context>
    <name>LinkRow</name>
    <message>
        <source>until {time}</source>
        <translation>有效期至{time}</translation>
    </message>
    <message>
        <source>for ever</source>
        <translation>永久有效</translation>
    </message>
    <message>
        <source>used {used} of {uses} times</source>
        <translation>已使用 {used}/{uses} 次</translation>
    </message>
    <message numerus="yes">
        <source>used %n times</source>
        <translation>
            <numerusform>已使用 %n 次</numerusform>
        </translation>
    </message>
    <message>
        <source>an admin lets in</source>
        <translation>需管理员同意</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy the link {code}</source>
        <translation>复制链接 {code}</translation>
    </message>
    <message>
        <source>End</source>
        <translation>停用</translation>
    </message>
    <message>
        <source>End the link {code}</source>
        <translation>停用链接 {code}</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>Links</name>
    <message>
        <source>For a week</source>
        <translation>一周</translation>
    </message>
    <message>
        <source>For an hour</source>
        <translation>一小时</translation>
    </message>
    <message>
        <source>For a day</source>
        <translation>一天</translation>
    </message>
    <message>
        <source>For ever</source>
        <translation>永久</translation>
    </message>
    <message>
        <source>Any number of times</source>
        <translation>不限次数</translation>
    </message>
    <message>
        <source>Once</source>
        <translation>一次</translation>
    </message>
    <message>
        <source>10 times</source>
        <translation>10 次</translation>
    </message>
    <message>
        <source>100 times</source>
        <translation>100 次</translation>
    </message>
    <message>
        <source>An admin lets each of them in</source>
        <translation>每个人都需管理员同意</translation>
    </message>
    <message>
        <source>Make a link</source>
        <translation>生成链接</translation>
    </message>
    <message>
        <source>Links into the group</source>
        <translation>群组链接</translation>
    </message>
    <message>
        <source>Who has one comes in without being added.</source>
        <translation>有链接的人无需添加即可加入。</translation>
    </message>
    <message>
        <source>How long a new link leads here</source>
        <translation>新链接的有效期</translation>
    </message>
    <message>
        <source>How often it may be used</source>
        <translation>可使用次数</translation>
    </message>
</context>
<context>
    <name>ListPane</name>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Which conversations</source>
        <translation>显示哪些会话</translation>
    </message>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
    <message>
        <source>Show all</source>
        <translation>显示全部</translation>
    </message>
    <message>
        <source>All conversations</source>
        <translation>全部会话</translation>
    </message>
    <message>
        <source>Unread</source>
        <translation>未读</translation>
    </message>
    <message>
        <source>Archived</source>
        <translation>已归档</translation>
    </message>
    <message>
        <source>Find “{text}” among all people</source>
        <translation>在所有用户中查找“{text}”</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有结果</translation>
    </message>
    <message>
        <source>No conversation has this name.</source>
        <translation>没有这个名字的会话。</translation>
    </message>
    <message>
        <source>Search all people</source>
        <translation>搜索所有用户</translation>
    </message>
    <message>
        <source>All read</source>
        <translation>全部已读</translation>
    </message>
    <message>
        <source>There is nothing new.</source>
        <translation>没有新消息。</translation>
    </message>
    <message>
        <source>Nothing archived</source>
        <translation>没有已归档的会话</translation>
    </message>
    <message>
        <source>What you put away is here.</source>
        <translation>您归档的会话会在这里。</translation>
    </message>
    <message>
        <source>No conversations yet</source>
        <translation>还没有会话</translation>
    </message>
    <message>
        <source>Find people by name, and say hello.</source>
        <translation>按名字查找用户，打个招呼。</translation>
    </message>
    <message>
        <source>Mark as read</source>
        <translation>标为已读</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Unmute</source>
        <translation>取消静音</translation>
    </message>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>For one hour</source>
        <translation>一小时</translation>
    </message>
    <message>
        <source>For eight hours</source>
        <translation>八小时</translation>
    </message>
    <message>
        <source>For a week</source>
        <translation>一周</translation>
    </message>
    <message>
        <source>For good</source>
        <translation>一直</translation>
    </message>
    <message>
        <source>Take out of the archive</source>
        <translation>取消归档</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
</context>
<context>
    <name>LiveBadge</name>
    <message>
        <source>LIVE</source>
        <translation>直播</translation>
    </message>
</context>
<context>
    <name>LivePanel</name>
    <message>
        <source>Mute</source>
        <translation>静音</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>停止观看</translation>
    </message>
    <message>
        <source>Live stream</source>
        <translation>直播</translation>
    </message>
    <message>
        <source>Sound on</source>
        <translation>打开声音</translation>
    </message>
    <message>
        <source>The stream begins …</source>
        <translation>直播即将开始…</translation>
    </message>
    <message>
        <source>Paused: nothing is being sent right now.</source>
        <translation>已暂停：现在没有画面发送。</translation>
    </message>
    <message>
        <source>The live stream is over.</source>
        <translation>直播已结束。</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Leave full screen</source>
        <translation>退出全屏</translation>
    </message>
</context>
<context>
    <name>LongText</name>
    <message>
        <source>Send as a file</source>
        <translation>作为文件发送</translation>
    </message>
    <message>
        <source>Go on writing</source>
        <translation>继续编辑</translation>
    </message>
    <message>
        <source>This text has {count} characters, and a message has at most {most}.</source>
        <translation>这段文字有 {count} 个字符，而一条消息最多 {most} 个。</translation>
    </message>
    <message numerus="yes">
        <source>Send as %n messages</source>
        <translation>
            <numerusform>分成 %n 条消息发送</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Me</name>
    <message>
        <source>Accounts: {name}</source>
        <translation>账号：{name}</translation>
    </message>
</context>
<context>
    <name>MentionButton</name>
    <message>
        <source>To the next message that mentions you</source>
        <translation>转到下一条提到你的消息</translation>
    </message>
</context>
<context>
    <name>MessageList</name>
    <message>
        <source>Messages</source>
        <translation>消息</translation>
    </message>
</context>
<context>
    <name>MessageMenu</name>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Forward …</source>
        <translation>转发…</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Seen by …</source>
        <translation>已读成员…</translation>
    </message>
    <message>
        <source>Reactions …</source>
        <translation>回应…</translation>
    </message>
    <message>
        <source>Delete …</source>
        <translation>删除…</translation>
    </message>
    <message>
        <source>Delete for me</source>
        <translation>仅为我删除</translation>
    </message>
    <message>
        <source>Delete for everybody</source>
        <translation>为所有人删除</translation>
    </message>
    <message>
        <source>Delete this message?</source>
        <translation>删除这条消息？</translation>
    </message>
    <message>
        <source>What is deleted for everybody is gone on the server too.</source>
        <translation>为所有人删除后，服务器上也不再保留。</translation>
    </message>
    <message>
        <source>The others still have it.</source>
        <translation>其他人仍然能看到它。</translation>
    </message>
</context>
<context>
    <name>NameEditor</name>
    <message>
        <source>Name of the device</source>
        <translation>设备名称</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>NotificationsPage</name>
    <message>
        <source>Notifications</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>Tell of new messages</source>
        <translation>通知新消息</translation>
    </message>
    <message>
        <source>Show what was written</source>
        <translation>显示消息内容</translation>
    </message>
    <message>
        <source>Otherwise the sender alone is shown.</source>
        <translation>否则只显示发送者。</translation>
    </message>
    <message>
        <source>With a sound</source>
        <translation>播放提示音</translation>
    </message>
    <message>
        <source>Do not disturb</source>
        <translation>勿扰模式</translation>
    </message>
    <message>
        <source>Nothing is told until this is off again.</source>
        <translation>关闭之前不会有任何通知。</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Keep running when the window is closed</source>
        <translation>关闭窗口后继续运行</translation>
    </message>
    <message>
        <source>This desktop has no place for icons of running programs.</source>
        <translation>此桌面没有系统托盘。</translation>
    </message>
    <message>
        <source>Start with the session</source>
        <translation>开机时启动</translation>
    </message>
</context>
<context>
    <name>OwnPanel</name>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>End</source>
        <translation>结束</translation>
    </message>
    <message>
        <source>My live stream</source>
        <translation>我的直播</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Your live stream is over.</source>
        <translation>您的直播已结束。</translation>
    </message>
</context>
<context>
    <name>Page</name>
    <message>
        <source>One moment …</source>
        <translation>请稍候…</translation>
    </message>
</context>
<context>
    <name>Phrases</name>
    <message>
        <source>, </source>
        <translation>，</translation>
    </message>
    <message>
        <source>{name}: {text}</source>
        <translation>{name}：{text}</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}%</translation>
    </message>
</context>
<context>
    <name>PickedRow</name>
    <message>
        <source>Do not send {name}</source>
        <translation>不发送 {name}</translation>
    </message>
</context>
<context>
    <name>Picking</name>
    <message>
        <source>Search friends</source>
        <translation>搜索好友</translation>
    </message>
    <message>
        <source>Friends</source>
        <translation>好友</translation>
    </message>
    <message>
        <source>No friend has this name.</source>
        <translation>没有叫这个名字的好友。</translation>
    </message>
    <message numerus="yes">
        <source>%n chosen</source>
        <translation>
            <numerusform>已选 %n 人</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PictureChoice</name>
    <message>
        <source>Choose a picture …</source>
        <translation>选择图片…</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Choose a picture</source>
        <translation>选择图片</translation>
    </message>
</context>
<context>
    <name>PinBar</name>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pinned message</source>
        <translation>置顶消息</translation>
    </message>
    <message>
        <source>Pinned message {number} of {count}</source>
        <translation>置顶消息（{number}/{count}）</translation>
    </message>
</context>
<context>
    <name>Presence</name>
    <message>
        <source>online</source>
        <translation>在线</translation>
    </message>
    <message>
        <source>last seen recently</source>
        <translation>最近上过线</translation>
    </message>
    <message>
        <source>offline</source>
        <translation>离线</translation>
    </message>
    <message>
        <source>last seen at {time}</source>
        <translation>最后上线于 {time}</translation>
    </message>
    <message>
        <source>last seen yesterday at {time}</source>
        <translation>最后上线于昨天 {time}</translation>
    </message>
    <message>
        <source>last seen {day} at {time}</source>
        <translation>最后上线于{day} {time}</translation>
    </message>
    <message>
        <source>last seen on {date}</source>
        <translation>最后上线于 {date}</translation>
    </message>
    <message>
        <source>{name} is writing…</source>
        <translation>{name}正在输入…</translation>
    </message>
    <message>
        <source>{name} is recording…</source>
        <translation>{name}正在录音…</translation>
    </message>
    <message>
        <source>{name} is sending a file…</source>
        <translation>{name}正在发送文件…</translation>
    </message>
    <message>
        <source>{first} and {second} are writing…</source>
        <translation>{first}和{second}正在输入…</translation>
    </message>
    <message>
        <source>{first} and {second} are recording…</source>
        <translation>{first}和{second}正在录音…</translation>
    </message>
    <message>
        <source>{first} and {second} are sending files…</source>
        <translation>{first}和{second}正在发送文件…</translation>
    </message>
    <message>
        <source>%n people are writing…</source>
        <translation>%n 人正在输入…</translation>
    </message>
    <message>
        <source>%n people are recording…</source>
        <translation>%n 人正在录音…</translation>
    </message>
    <message>
        <source>%n people are sending files…</source>
        <translation>%n 人正在发送文件…</translation>
    </message>
</context>
<context>
    <name>PrivacyPage</name>
    <message>
        <source>Privacy</source>
        <translation>隐私</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Everybody</source>
        <translation>所有人</translation>
    </message>
    <message>
        <source>Friends</source>
        <translation>好友</translation>
    </message>
    <message>
        <source>Nobody</source>
        <translation>没有人</translation>
    </message>
    <message>
        <source>Who may add me to groups</source>
        <translation>谁可以把我加入群</translation>
    </message>
    <message>
        <source>Who sees when I am online</source>
        <translation>谁可以看到我的在线状态</translation>
    </message>
    <message>
        <source>This is the same on all your devices.</source>
        <translation>这在你的所有设备上都一样。</translation>
    </message>
    <message>
        <source>Reading …</source>
        <translation>正在读取…</translation>
    </message>
    <message>
        <source>Friends add you at once; others can invite you, and you accept or decline.</source>
        <translation>好友可以直接把你加入；其他人可以邀请你，由你接受或拒绝。</translation>
    </message>
    <message>
        <source>Friends add you at once; nobody else can add or invite you.</source>
        <translation>好友可以直接把你加入；其他人不能加你，也不能邀请你。</translation>
    </message>
    <message>
        <source>Nobody can add or invite you. A link into a group still brings you in.</source>
        <translation>没有人可以加你或邀请你。通过群链接你仍可以自己加入。</translation>
    </message>
    <message>
        <source>Everybody sees when you are online and when you were last, and you see it of all who show it.</source>
        <translation>所有人都能看到你是否在线和最后在线的时间；别人显示的，你也能看到。</translation>
    </message>
    <message>
        <source>Friends see when you are online and when you were last. Others do not, and you do not see theirs.</source>
        <translation>好友能看到你是否在线和最后在线的时间。其他人看不到，你也看不到他们的。</translation>
    </message>
    <message>
        <source>Nobody sees when you are online or were last, and you do not see it of anybody.</source>
        <translation>没有人能看到你是否在线或最后在线的时间，你也看不到任何人的。</translation>
    </message>
</context>
<context>
    <name>Profile</name>
    <message>
        <source>Message</source>
        <translation>发消息</translation>
    </message>
    <message>
        <source>Your own name for them</source>
        <translation>备注名</translation>
    </message>
    <message>
        <source>End the friendship</source>
        <translation>解除好友关系</translation>
    </message>
    <message>
        <source>End the friendship?</source>
        <translation>解除好友关系？</translation>
    </message>
    <message>
        <source>End it</source>
        <translation>解除</translation>
    </message>
    <message>
        <source>Send friend request</source>
        <translation>发送好友请求</translation>
    </message>
    <message>
        <source>male</source>
        <translation>男</translation>
    </message>
    <message>
        <source>female</source>
        <translation>女</translation>
    </message>
    <message>
        <source>Number {number}</source>
        <translation>编号 {number}</translation>
    </message>
    <message>
        <source>Unblock</source>
        <translation>取消屏蔽</translation>
    </message>
    <message>
        <source>Block</source>
        <translation>屏蔽</translation>
    </message>
    <message>
        <source>Request sent</source>
        <translation>请求已发送</translation>
    </message>
</context>
<context>
    <name>ProfilePage</name>
    <message>
        <source>Profile</source>
        <translation>个人资料</translation>
    </message>
</context>
<context>
    <name>QuickEmoji</name>
    <message>
        <source>More emoji</source>
        <translation>更多表情</translation>
    </message>
    <message>
        <source>Take it back</source>
        <translation>撤回</translation>
    </message>
    <message>
        <source>React</source>
        <translation>回应</translation>
    </message>
</context>
<context>
    <name>Rail</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>会话</translation>
    </message>
    <message>
        <source>Contacts</source>
        <translation>联系人</translation>
    </message>
</context>
<context>
    <name>ReactionBar</name>
    <message>
        <source>React</source>
        <translation>回应</translation>
    </message>
</context>
<context>
    <name>ReactorsDialog</name>
    <message>
        <source>Reactions</source>
        <translation>回应</translation>
    </message>
    <message>
        <source>All {count}</source>
        <translation>全部 {count}</translation>
    </message>
</context>
<context>
    <name>ReadersDialog</name>
    <message>
        <source>Seen by</source>
        <translation>已读成员</translation>
    </message>
    <message>
        <source>Received by {received}, read by {read}</source>
        <translation>{received} 人已收到，{read} 人已读</translation>
    </message>
</context>
<context>
    <name>RegisterPage</name>
    <message>
        <source>Make an account</source>
        <translation>注册账号</translation>
    </message>
    <message>
        <source>User name</source>
        <translation>用户名</translation>
    </message>
    <message>
        <source>What others find you by</source>
        <translation>别人通过它找到您</translation>
    </message>
    <message>
        <source>E-mail address</source>
        <translation>电子邮箱</translation>
    </message>
    <message>
        <source>Code from the e-mail</source>
        <translation>邮件中的验证码</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>密码</translation>
    </message>
    <message>
        <source>At least 8 characters</source>
        <translation>至少 8 个字符</translation>
    </message>
    <message>
        <source>Password again</source>
        <translation>再次输入密码</translation>
    </message>
    <message>
        <source>Make the account</source>
        <translation>注册</translation>
    </message>
    <message>
        <source>I have an account</source>
        <translation>已有账号</translation>
    </message>
</context>
<context>
    <name>RequestCard</name>
    <message>
        <source>Your own name for them, if you like</source>
        <translation>备注名（可选）</translation>
    </message>
    <message>
        <source>Accept</source>
        <translation>接受</translation>
    </message>
    <message>
        <source>Decline</source>
        <translation>拒绝</translation>
    </message>
</context>
<context>
    <name>RequestsPage</name>
    <message>
        <source>New friends</source>
        <translation>新的好友</translation>
    </message>
    <message>
        <source>No friend requests</source>
        <translation>没有好友请求</translation>
    </message>
    <message>
        <source>Who asks to become your friend appears here.</source>
        <translation>想加您为好友的人会显示在这里。</translation>
    </message>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
</context>
<context>
    <name>ResetPage</name>
    <message>
        <source>A new password</source>
        <translation>新密码</translation>
    </message>
    <message>
        <source>Code from the e-mail</source>
        <translation>邮件中的验证码</translation>
    </message>
    <message>
        <source>New password</source>
        <translation>新密码</translation>
    </message>
    <message>
        <source>At least 8 characters</source>
        <translation>至少 8 个字符</translation>
    </message>
    <message>
        <source>New password again</source>
        <translation>再次输入新密码</translation>
    </message>
    <message>
        <source>Set the password</source>
        <translation>设置密码</translation>
    </message>
    <message>
        <source>Back to signing in</source>
        <translation>返回登录</translation>
    </message>
    <message>
        <source>The code goes to {email}.</source>
        <translation>验证码会发送到 {email}。</translation>
    </message>
</context>
<context>
    <name>SearchField</name>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
</context>
<context>
    <name>SeekBar</name>
    <message>
        <source>Position</source>
        <translation>位置</translation>
    </message>
</context>
<context>
    <name>SendDialog</name>
    <message>
        <source>Send files</source>
        <translation>发送文件</translation>
    </message>
    <message>
        <source>Send pictures as files</source>
        <translation>将图片作为文件发送</translation>
    </message>
    <message>
        <source>They are not shown in the conversation, but offered as files.</source>
        <translation>它们不在会话中显示，而是作为文件提供。</translation>
    </message>
    <message>
        <source>Caption</source>
        <translation>说明</translation>
    </message>
    <message>
        <source>Add …</source>
        <translation>添加…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message numerus="yes">
        <source>%n files</source>
        <translation>
            <numerusform>%n 个文件</numerusform>
        </translation>
    </message>
    <message>
        <source>{files}, {size}, to {name}</source>
        <translation>{files}，{size}，发给 {name}</translation>
    </message>
    <message>
        <source>The files are being prepared</source>
        <translation>正在准备文件</translation>
    </message>
    <message>
        <source>Nothing is left to be sent. Drop files here, or add some.</source>
        <translation>没有要发送的文件了。把文件拖到这里，或添加一些。</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
</context>
<context>
    <name>Sentences</name>
    <message>
        <source>Nothing answers at the server&apos;s address; is it running?</source>
        <translation>服务器地址没有响应；它在运行吗？</translation>
    </message>
    <message>
        <source>The server could not read the request.</source>
        <translation>服务器无法读取请求。</translation>
    </message>
    <message>
        <source>You may not write here for a while.</source>
        <translation>您暂时不能在这里发言。</translation>
    </message>
    <message>
        <source>This group has as many members as it may have.</source>
        <translation>该群组的人数已满。</translation>
    </message>
    <message>
        <source>This link does not lead anywhere, or not any more.</source>
        <translation>此链接无效或已失效。</translation>
    </message>
    <message>
        <source>It is too late for that.</source>
        <translation>已超过可以这样做的时间。</translation>
    </message>
    <message>
        <source>There are as many as there may be.</source>
        <translation>数量已达上限。</translation>
    </message>
    <message>
        <source>Only admins write here.</source>
        <translation>只有管理员可以在这里发言。</translation>
    </message>
    <message>
        <source>The server cannot be reached.</source>
        <translation>无法连接到服务器。</translation>
    </message>
    <message>
        <source>There is no connection to the server; try again when it is back.</source>
        <translation>没有连接到服务器；请在连接恢复后重试。</translation>
    </message>
    <message>
        <source>It is too late to edit this message.</source>
        <translation>已经太晚了，无法编辑这条消息。</translation>
    </message>
    <message>
        <source>It is too late to recall this message.</source>
        <translation>已经太晚了，无法撤回这条消息。</translation>
    </message>
    <message>
        <source>A message has at most 20 different reactions.</source>
        <translation>一条消息最多有 20 种不同的回应。</translation>
    </message>
    <message>
        <source>At most 10 conversations are pinned.</source>
        <translation>最多可置顶 10 个会话。</translation>
    </message>
    <message>
        <source>Only its members keep a thread.</source>
        <translation>只有成员才能这样设置会话。</translation>
    </message>
    <message>
        <source>A thread has at most 100 pinned messages.</source>
        <translation>一个会话最多有 100 条置顶消息。</translation>
    </message>
    <message>
        <source>Only admins pin messages in a group.</source>
        <translation>只有管理员可以在群组中置顶消息。</translation>
    </message>
    <message>
        <source>There is no such message in this thread.</source>
        <translation>这个会话中没有这条消息。</translation>
    </message>
    <message>
        <source>A part of the server does not answer; try again later.</source>
        <translation>服务器的一部分没有响应，请稍后再试。</translation>
    </message>
    <message>
        <source>There is no such chat server.</source>
        <translation>没有这个聊天服务器。</translation>
    </message>
    <message>
        <source>There is no such file server.</source>
        <translation>没有这个文件服务器。</translation>
    </message>
    <message>
        <source>No chat server is available; try again later.</source>
        <translation>暂无可用的聊天服务器，请稍后再试。</translation>
    </message>
    <message>
        <source>No file server is available; try again later.</source>
        <translation>暂无可用的文件服务器，请稍后再试。</translation>
    </message>
    <message>
        <source>The code is wrong, used or expired.</source>
        <translation>验证码错误、已用过或已过期。</translation>
    </message>
    <message>
        <source>The server&apos;s database does not answer; try again later.</source>
        <translation>服务器的数据库没有响应，请稍后再试。</translation>
    </message>
    <message>
        <source>Something is missing in the request.</source>
        <translation>请求中缺少内容。</translation>
    </message>
    <message>
        <source>There is no account with this name and e-mail address.</source>
        <translation>没有使用此用户名和邮箱的账号。</translation>
    </message>
    <message>
        <source>The name or the password is wrong.</source>
        <translation>用户名或密码错误。</translation>
    </message>
    <message>
        <source>The session has ended; sign in again.</source>
        <translation>会话已结束，请重新登录。</translation>
    </message>
    <message>
        <source>You were signed out, because this account signed in somewhere else or signed this device out.</source>
        <translation>您已退出登录：此账号在别处登录，或在另一台设备上将本设备退出。</translation>
    </message>
    <message>
        <source>Signing out failed.</source>
        <translation>退出登录失败。</translation>
    </message>
    <message>
        <source>There is nobody of this name.</source>
        <translation>没有叫这个名字的用户。</translation>
    </message>
    <message>
        <source>There is no such conversation.</source>
        <translation>没有这个会话。</translation>
    </message>
    <message>
        <source>The list of conversations cannot be read.</source>
        <translation>无法读取会话列表。</translation>
    </message>
    <message>
        <source>There is no such message.</source>
        <translation>没有这条消息。</translation>
    </message>
    <message>
        <source>The history cannot be read.</source>
        <translation>无法读取历史记录。</translation>
    </message>
    <message>
        <source>The conversation could not be started.</source>
        <translation>无法开始会话。</translation>
    </message>
    <message>
        <source>There is no such user to talk to.</source>
        <translation>没有这个用户。</translation>
    </message>
    <message>
        <source>The conversation could not be started; try again.</source>
        <translation>无法开始会话，请重试。</translation>
    </message>
    <message>
        <source>The group could not be made.</source>
        <translation>无法创建群组。</translation>
    </message>
    <message>
        <source>A member of the group does not exist.</source>
        <translation>群组中有不存在的成员。</translation>
    </message>
    <message>
        <source>There is no such group.</source>
        <translation>没有这个群组。</translation>
    </message>
    <message>
        <source>You cannot befriend yourself.</source>
        <translation>不能加自己为好友。</translation>
    </message>
    <message>
        <source>This friend request is not possible: you are friends already, or nobody asked.</source>
        <translation>无法处理此好友请求：你们已是好友，或没有人发出请求。</translation>
    </message>
    <message>
        <source>There is no such user.</source>
        <translation>没有这个用户。</translation>
    </message>
    <message>
        <source>The file could not be uploaded.</source>
        <translation>文件无法上传。</translation>
    </message>
    <message>
        <source>The file could not be made on the server.</source>
        <translation>无法在服务器上创建文件。</translation>
    </message>
    <message>
        <source>The file could not be opened on the server.</source>
        <translation>无法在服务器上打开文件。</translation>
    </message>
    <message>
        <source>The file could not be written on the server.</source>
        <translation>无法在服务器上写入文件。</translation>
    </message>
    <message>
        <source>Too many attempts; wait a little.</source>
        <translation>尝试次数过多，请稍等。</translation>
    </message>
    <message>
        <source>You are not allowed to do this.</source>
        <translation>您无权执行此操作。</translation>
    </message>
    <message>
        <source>You are not friends.</source>
        <translation>你们不是好友。</translation>
    </message>
    <message>
        <source>A message has 1 to 4,096 characters.</source>
        <translation>一条消息有 1 到 4,096 个字符。</translation>
    </message>
    <message>
        <source>There is no more room for this.</source>
        <translation>没有足够的空间。</translation>
    </message>
    <message>
        <source>The file was damaged on its way; send it again.</source>
        <translation>文件在传输中损坏，请重新发送。</translation>
    </message>
    <message>
        <source>Something in the request is not allowed.</source>
        <translation>请求中有不允许的内容。</translation>
    </message>
    <message>
        <source>This name is taken.</source>
        <translation>此用户名已被占用。</translation>
    </message>
    <message>
        <source>There is an account with this e-mail address already.</source>
        <translation>此邮箱已注册过账号。</translation>
    </message>
    <message>
        <source>The server is too busy; try again in a moment.</source>
        <translation>服务器太忙，请稍后再试。</translation>
    </message>
    <message>
        <source>There is no such live stream.</source>
        <translation>没有这个直播。</translation>
    </message>
    <message>
        <source>Something went wrong on the server.</source>
        <translation>服务器出了问题。</translation>
    </message>
    <message>
        <source>This user does not want to hear from you.</source>
        <translation>该用户不想收到您的消息。</translation>
    </message>
    <message>
        <source>The server&apos;s certificate is not valid for its address.</source>
        <translation>服务器的证书与其地址不符。</translation>
    </message>
    <message>
        <source>The server&apos;s certificate is not the one that is trusted here; ask its operator before you trust another.</source>
        <translation>服务器的证书不是此处所信任的那一个；在信任另一个之前，请先询问其管理者。</translation>
    </message>
    <message>
        <source>The server&apos;s name cannot be found.</source>
        <translation>找不到服务器的名称。</translation>
    </message>
    <message>
        <source>The server does not answer in time.</source>
        <translation>服务器没有及时响应。</translation>
    </message>
    <message>
        <source>The connection was lost.</source>
        <translation>连接已断开。</translation>
    </message>
    <message>
        <source>It was given up.</source>
        <translation>已放弃。</translation>
    </message>
    <message>
        <source>There is no room left on this disk. Make room on it, and try again.</source>
        <translation>此磁盘空间不足。请清理空间后重试。</translation>
    </message>
    <message>
        <source>The server&apos;s certificate is not signed by an authority that is trusted here; name its CA file.</source>
        <translation>服务器的证书不是由此处信任的机构签发的；请指定其 CA 文件。</translation>
    </message>
    <message>
        <source>The server does not speak TLS on this port.</source>
        <translation>服务器在此端口不使用 TLS。</translation>
    </message>
    <message>
        <source>The secure connection could not be made.</source>
        <translation>无法建立安全连接。</translation>
    </message>
    <message>
        <source>The keyring of this system does not open; unlock it, and try again.</source>
        <translation>系统的密钥环无法打开；请解锁后重试。</translation>
    </message>
    <message>
        <source>The keyring of this system is not there, and the account&apos;s key is in it.</source>
        <translation>系统的密钥环不可用，而账号的密钥就在其中。</translation>
    </message>
    <message>
        <source>This message has been sent already.</source>
        <translation>此消息已发送。</translation>
    </message>
    <message>
        <source>This live stream is over.</source>
        <translation>此直播已结束。</translation>
    </message>
    <message>
        <source>This message has no file.</source>
        <translation>此消息没有文件。</translation>
    </message>
    <message>
        <source>This file is not there yet.</source>
        <translation>此文件还不在这里。</translation>
    </message>
    <message>
        <source>A caption has at most 4,096 characters.</source>
        <translation>说明最多 4,096 个字符。</translation>
    </message>
    <message>
        <source>Choose a server first.</source>
        <translation>请先选择服务器。</translation>
    </message>
    <message>
        <source>The passwords are not the same.</source>
        <translation>两次输入的密码不一致。</translation>
    </message>
    <message>
        <source>The code is in the mail that was sent to you.</source>
        <translation>验证码在发给您的邮件中。</translation>
    </message>
    <message>
        <source>A message has at most 4,096 characters; send it as several, or as a file.</source>
        <translation>一条消息最多 4,096 个字符；请分成几条，或作为文件发送。</translation>
    </message>
    <message>
        <source>The messages could not be read.</source>
        <translation>无法读取消息。</translation>
    </message>
    <message>
        <source>The server&apos;s answer cannot be read.</source>
        <translation>无法读取服务器的响应。</translation>
    </message>
    <message>
        <source>Something went wrong here; the log says more.</source>
        <translation>这里出了点问题，详见日志。</translation>
    </message>
    <message>
        <source>You have signed out.</source>
        <translation>您已退出登录。</translation>
    </message>
    <message>
        <source>None of them wants to be added to groups.</source>
        <translation>他们都不愿被拉入群组。</translation>
    </message>
    <message>
        <source>A text that was to be sent later was refused.</source>
        <translation>一条定时消息被拒绝，没有发出。</translation>
    </message>
    <message>
        <source>A username has 3 to 50 characters.</source>
        <translation>用户名有 3 到 50 个字符。</translation>
    </message>
    <message>
        <source>A username has no characters that nobody sees.</source>
        <translation>用户名不能有看不见的字符。</translation>
    </message>
    <message>
        <source>A username consists of letters, digits, &apos;_&apos;, &apos;.&apos; and &apos;-&apos;.</source>
        <translation>用户名由字母、数字、“_”、“.”和“-”组成。</translation>
    </message>
    <message>
        <source>A username does not begin with a combining mark.</source>
        <translation>用户名不能以组合符号开头。</translation>
    </message>
    <message>
        <source>A username does not mix scripts, such as Latin and Cyrillic letters.</source>
        <translation>用户名不能混用不同的文字，例如拉丁字母和西里尔字母。</translation>
    </message>
    <message>
        <source>This is not an e-mail address.</source>
        <translation>这不是电子邮箱地址。</translation>
    </message>
    <message>
        <source>A password has at least 8 characters.</source>
        <translation>密码至少 8 个字符。</translation>
    </message>
    <message>
        <source>A password has at most 1,024 characters.</source>
        <translation>密码最多 1,024 个字符。</translation>
    </message>
</context>
<context>
    <name>ServerPage</name>
    <message>
        <source>Which server?</source>
        <translation>哪个服务器？</translation>
    </message>
    <message>
        <source>The address that whoever runs your server has given you.</source>
        <translation>服务器管理者给您的地址。</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Account</source>
        <translation>账号</translation>
    </message>
    <message>
        <source>Devices</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Privacy</source>
        <translation>隐私</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>通知</translation>
    </message>
    <message>
        <source>Data and storage</source>
        <translation>数据与存储</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
</context>
<context>
    <name>Shortcuts</name>
    <message>
        <source>Going about</source>
        <translation>导航</translation>
    </message>
    <message>
        <source>Talking</source>
        <translation>聊天</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>Go to a conversation by name</source>
        <translation>按名称转到会话</translation>
    </message>
    <message>
        <source>Next conversation</source>
        <translation>下一个会话</translation>
    </message>
    <message>
        <source>Previous conversation</source>
        <translation>上一个会话</translation>
    </message>
    <message>
        <source>Search conversations</source>
        <translation>搜索会话</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>会话</translation>
    </message>
    <message>
        <source>Contacts</source>
        <translation>联系人</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Find people</source>
        <translation>查找用户</translation>
    </message>
    <message>
        <source>One step back</source>
        <translation>返回一步</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在会话中查找</translation>
    </message>
    <message>
        <source>Older find</source>
        <translation>更早的结果</translation>
    </message>
    <message>
        <source>React to a message</source>
        <translation>回应一条消息</translation>
    </message>
    <message>
        <source>Send later</source>
        <translation>稍后发送</translation>
    </message>
    <message>
        <source>Newer find</source>
        <translation>更新的结果</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>添加附件</translation>
    </message>
    <message>
        <source>Emoji</source>
        <translation>表情</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>To the newest message</source>
        <translation>到最新消息</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>New line</source>
        <translation>换行</translation>
    </message>
    <message>
        <source>Edit my last message, while nothing is written</source>
        <translation>编辑我的上一条消息（输入框为空时）</translation>
    </message>
    <message>
        <source>Copy what is selected</source>
        <translation>复制所选内容</translation>
    </message>
    <message>
        <source>Larger texts</source>
        <translation>放大文字</translation>
    </message>
    <message>
        <source>Smaller texts</source>
        <translation>缩小文字</translation>
    </message>
    <message>
        <source>Texts as they were</source>
        <translation>恢复文字大小</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Full screen</source>
        <translation>全屏</translation>
    </message>
    <message>
        <source>Close the window</source>
        <translation>关闭窗口</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
</context>
<context>
    <name>ShortcutsPage</name>
    <message>
        <source>Shortcuts</source>
        <translation>快捷键</translation>
    </message>
</context>
<context>
    <name>SignInNotice</name>
    <message>
        <source>Was this not you? Sign it out</source>
        <translation>不是你？让它退出登录</translation>
    </message>
    <message>
        <source>It was me</source>
        <translation>是我本人</translation>
    </message>
</context>
<context>
    <name>SignInPage</name>
    <message>
        <source>Sign in</source>
        <translation>登录</translation>
    </message>
    <message>
        <source>User name</source>
        <translation>用户名</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>密码</translation>
    </message>
    <message>
        <source>Make an account</source>
        <translation>注册账号</translation>
    </message>
    <message>
        <source>Forgot the password?</source>
        <translation>忘记密码？</translation>
    </message>
    <message>
        <source>on {server}</source>
        <translation>位于 {server}</translation>
    </message>
</context>
<context>
    <name>SignInView</name>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
    <message>
        <source>Server: {server}</source>
        <translation>服务器：{server}</translation>
    </message>
    <message>
        <source>The new password is set; sign in with it.</source>
        <translation>新密码已设置，请用它登录。</translation>
    </message>
</context>
<context>
    <name>Skeleton</name>
    <message>
        <source>Loading</source>
        <translation>加载中</translation>
    </message>
</context>
<context>
    <name>Stage</name>
    <message>
        <source>Video</source>
        <translation>视频</translation>
    </message>
</context>
<context>
    <name>StoragePage</name>
    <message>
        <source>Data and storage</source>
        <translation>数据与存储</translation>
    </message>
    <message>
        <source>Measuring …</source>
        <translation>正在计算…</translation>
    </message>
    <message>
        <source>Pictures and files that can be had again from the server. Messages are not among them.</source>
        <translation>可以从服务器重新获取的图片和文件，不包括消息。</translation>
    </message>
    <message>
        <source>Remove them from this disk</source>
        <translation>从磁盘上删除</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>{size} are kept on this disk.</source>
        <translation>磁盘上保存了 {size}。</translation>
    </message>
</context>
<context>
    <name>Sure</name>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>Switcher</name>
    <message>
        <source>Go to a conversation</source>
        <translation>转到会话</translation>
    </message>
    <message>
        <source>Go to …</source>
        <translation>转到…</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有结果</translation>
    </message>
</context>
<context>
    <name>Times</name>
    <message>
        <source>1 week</source>
        <translation>1 周</translation>
    </message>
    <message>
        <source>{count} weeks</source>
        <translation>{count} 周</translation>
    </message>
    <message>
        <source>1 day</source>
        <translation>1 天</translation>
    </message>
    <message>
        <source>{count} days</source>
        <translation>{count} 天</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 小时</translation>
    </message>
    <message>
        <source>{count} hours</source>
        <translation>{count} 小时</translation>
    </message>
    <message>
        <source>1 minute</source>
        <translation>1 分钟</translation>
    </message>
    <message>
        <source>{count} minutes</source>
        <translation>{count} 分钟</translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>Show the window</source>
        <translation>显示窗口</translation>
    </message>
    <message>
        <source>Do not disturb</source>
        <translation>勿扰模式</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>%n unread messages</source>
        <translation>%n 条未读消息</translation>
    </message>
</context>
<context>
    <name>Video</name>
    <message>
        <source>Go live</source>
        <translation>开始直播</translation>
    </message>
    <message>
        <source>No graphics card draws OpenGL here: pictures are painted without it, which is less work.</source>
        <translation>这里没有显卡来绘制 OpenGL：改用普通方式绘制画面，这样更省资源。</translation>
    </message>
    <message>
        <source>OpenGL is not available: pictures are painted without it, and take more work.</source>
        <translation>OpenGL 不可用：改用普通方式绘制画面，会占用更多资源。</translation>
    </message>
</context>
<context>
    <name>Viewer</name>
    <message>
        <source>This picture is too large to be fetched only to be looked at. Save it, and open it with another program.</source>
        <translation>此图片太大，不会只为查看而下载。请保存后用其他程序打开。</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Older picture</source>
        <translation>较早的图片</translation>
    </message>
    <message>
        <source>Newer picture</source>
        <translation>较新的图片</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Fit into the window</source>
        <translation>适合窗口</translation>
    </message>
    <message>
        <source>Go to the message</source>
        <translation>转到消息</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>已保存为 {name}</translation>
    </message>
    <message>
        <source>You</source>
        <translation>您</translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation>第 {number} 张，共 {count} 张</translation>
    </message>
    <message>
        <source>Picture {name} from {person}</source>
        <translation>{person}发送的图片 {name}</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>WaitingDialog</name>
    <message>
        <source>Sent later</source>
        <translation>稍后发送</translation>
    </message>
    <message>
        <source>Nothing waits to be sent here.</source>
        <translation>这里没有等待发送的消息。</translation>
    </message>
</context>
<context>
    <name>WaitingRow</name>
    <message>
        <source>What can be done with it</source>
        <translation>可以做什么</translation>
    </message>
    <message>
        <source>Change …</source>
        <translation>更改…</translation>
    </message>
    <message>
        <source>Send now</source>
        <translation>立即发送</translation>
    </message>
    <message>
        <source>Do not send it</source>
        <translation>不再发送</translation>
    </message>
    <message>
        <source>Tomorrow, {time}</source>
        <translation>明天 {time}</translation>
    </message>
</context>
<context>
    <name>WhenDialog</name>
    <message>
        <source>Change what is sent later</source>
        <translation>更改稍后发送的消息</translation>
    </message>
    <message>
        <source>Send later</source>
        <translation>稍后发送</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>定时发送</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Day</source>
        <translation>日期</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>In an hour</source>
        <translation>一小时后</translation>
    </message>
    <message>
        <source>This evening</source>
        <translation>今天傍晚</translation>
    </message>
    <message>
        <source>Tomorrow morning</source>
        <translation>明天早上</translation>
    </message>
    <message>
        <source>Monday morning</source>
        <translation>周一早上</translation>
    </message>
    <message>
        <source>Choose a time to come, within a year.</source>
        <translation>请选择一年之内的未来时间。</translation>
    </message>
</context>
<context>
    <name>Writing</name>
    <message>
        <source>Reply to {name}</source>
        <translation>回复 {name}</translation>
    </message>
    <message>
        <source>Edit message</source>
        <translation>编辑消息</translation>
    </message>
</context>
</TS>
