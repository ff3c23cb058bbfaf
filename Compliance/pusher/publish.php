<?php
// A back end in PHP that needs no library: signs a request as the protocol says, and sends it with curl.
//
//     php publish.php http://HOST:PORT APP_ID KEY SECRET METHOD PATH [BODY [NAME=VALUE ...]]
//
// PATH begins after /apps/APP_ID. Prints the status, and the body of the answer in the next line.

[, $base, $app, $key, $secret, $method, $path] = $argv;
$body = $argv[7] ?? '';
$path = "/apps/$app$path";

$query = ['auth_key' => $key, 'auth_timestamp' => (string) time(), 'auth_version' => '1.0'];
if ($body !== '') {
    $query['body_md5'] = md5($body);
}
foreach (array_slice($argv, 8) as $pair) {
    [$name, $value] = explode('=', $pair, 2);
    $query[strtolower($name)] = $value;
}
ksort($query);
// What is signed is not URL-encoded; what is sent is.
$signed = implode('&', array_map(fn ($name) => "$name={$query[$name]}", array_keys($query)));
$query['auth_signature'] = hash_hmac('sha256', "$method\n$path\n$signed", $secret);

$curl = curl_init("$base$path?" . http_build_query($query));
curl_setopt_array($curl, [
    CURLOPT_CUSTOMREQUEST => $method,
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 10,
    CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Expect:'],
]);
if ($body !== '') {
    curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
}
$answer = curl_exec($curl);
if ($answer === false) {
    fwrite(STDERR, curl_error($curl) . "\n");
    exit(1);
}
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n", $answer, "\n";
