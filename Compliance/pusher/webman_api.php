<?php
// A back end that signs as webman's push plugin does: the app is always 1024, there is no auth_version, and the query is
// sent as it was signed, without URL-encoding.
//
//     php webman_api.php http://HOST:PORT KEY SECRET METHOD PATH [BODY [NAME=VALUE ...]]
//
// PATH begins after /apps/1024. Prints the status, and the body of the answer in the next line.

[, $base, $key, $secret, $method, $path] = $argv;
$body = $argv[6] ?? '';
$path = "/apps/1024$path";

$query = ['auth_key' => $key, 'auth_timestamp' => time()];
if ($body !== '') {
    $query['body_md5'] = md5($body);
}
foreach (array_slice($argv, 7) as $pair) {
    [$name, $value] = explode('=', $pair, 2);
    $query[$name] = $value;
}
ksort($query);
$join = fn (array $pairs) => implode('&', array_map(fn ($name) => "$name=$pairs[$name]", array_keys($pairs)));
$query['auth_signature'] = hash_hmac('sha256', "$method\n$path\n" . $join($query), $secret);
ksort($query);

$curl = curl_init("$base$path?" . $join($query));
curl_setopt_array($curl, [
    CURLOPT_POST => $method === 'POST',
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Expect:'],
]);
if ($method === 'POST') {
    curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
}
$answer = curl_exec($curl);
if ($answer === false) {
    fwrite(STDERR, curl_error($curl) . "\n");
    exit(1);
}
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n", $answer, "\n";
