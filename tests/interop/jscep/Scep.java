// A SCEP client based on jscep: java -cp 'LIB:LIB/*' Scep SUBCOMMAND …
//
//   enrol URL CHALLENGE COMMON_NAME FOLDER      with a new key and a self-signed identity
//   renew URL FOLDER NEWFOLDER                  with a new key, signed by FOLDER's key and certificate
//   poll URL FOLDER                             requests the certificate that is pending in FOLDER
//   getcert URL FOLDER SERIAL_HEX               any certificate of the CA, requested by FOLDER's device
//   getcrl URL FOLDER                           the CRL that covers FOLDER's certificate
//   nextca URL                                  the next certificates of the CA and RA
//   caps URL                                    the capabilities that jscep knows, one per line
//
// Prints PEM. Exits with 1 after FAILURE, with 2 if PENDING.

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509CRL;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.stream.Stream;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.PKCS10CertificationRequestBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;
import org.jscep.client.Client;
import org.jscep.client.EnrollmentResponse;
import org.jscep.client.verification.OptimisticCertificateVerifier;
import org.jscep.transaction.OperationFailureException;
import org.jscep.transaction.TransactionId;
import org.jscep.transport.response.Capabilities;
import org.jscep.transport.response.Capability;

public class Scep {
    public static void main(String[] arguments) throws Exception {
        try {
            System.out.print(run(arguments));
        } catch (OperationFailureException failure) {
            System.err.println("FAILURE " + failure.getFailInfo());
            System.exit(1);
        } catch (PendingException pending) {
            System.err.println("PENDING " + pending.getMessage());
            System.exit(2);
        }
    }

    private static String run(String[] arguments) throws Exception {
        // Checking the CA's fingerprint is not part of the test.
        Client client = new Client(new URL(arguments[1]), new OptimisticCertificateVerifier());
        return switch (arguments[0]) {
            case "enrol" -> pem(enrol(client, arguments[2], arguments[3], Path.of(arguments[4])));
            case "renew" -> pem(renew(client, Path.of(arguments[2]), Path.of(arguments[3])));
            case "poll" -> pem(poll(client, Path.of(arguments[2])));
            case "getcert" -> pem(certificate(client, Path.of(arguments[2]), new BigInteger(arguments[3], 16)));
            case "getcrl" -> pem(revocationList(client, Path.of(arguments[2])));
            case "nextca" -> pem(client.getRolloverCertificate().getCertificates(null));
            case "caps" -> capabilities(client);
            default -> throw new IllegalArgumentException(arguments[0]);
        };
    }

    private static X509Certificate enrol(Client client, String challenge, String commonName, Path folder)
            throws Exception {
        KeyPair keys = generateKeys();
        X500Principal subject = new X500Principal("CN=" + commonName + ", O=Corp");
        long now = System.currentTimeMillis();
        X509Certificate identity = new JcaX509CertificateConverter().getCertificate(
            new JcaX509v3CertificateBuilder(subject, BigInteger.ONE, new Date(now - 60_000),
                new Date(now + 86_400_000), subject, keys.getPublic()).build(signer(keys.getPrivate())));

        GeneralNames names = new GeneralNames(new GeneralName(GeneralName.dNSName, commonName + ".example.com"));
        Extension extension = Extension.create(Extension.subjectAlternativeName, false, names);
        PKCS10CertificationRequestBuilder request = request(subject, extension, keys);
        request.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_challengePassword, new DERPrintableString(challenge));
        return send(client, request, keys.getPrivate(), new Identity(keys.getPrivate(), identity), folder);
    }

    private static X509Certificate renew(Client client, Path oldFolder, Path folder) throws Exception {
        KeyPair keys = generateKeys();
        Identity old = device(oldFolder);
        Extension names = new JcaX509CertificateHolder(old.certificate).getExtension(Extension.subjectAlternativeName);
        PKCS10CertificationRequestBuilder request = request(old.certificate.getSubjectX500Principal(), names, keys);
        return send(client, request, keys.getPrivate(), old, folder);
    }

    private static X509Certificate poll(Client client, Path folder) throws Exception {
        Identity identity = read(folder, "identity-key.pem", "identity.pem");
        TransactionId transaction =
            new TransactionId(Files.readString(folder.resolve("transaction.txt")).strip().getBytes());
        X500Principal subject = identity.certificate.getSubjectX500Principal();
        return issued(client.poll(identity.certificate, identity.key, subject, transaction), folder);
    }

    private static Certificate certificate(Client client, Path folder, BigInteger serialNumber) throws Exception {
        Identity device = device(folder);
        // The reply may contain a chain, and a CertStore is unordered.
        X509CertSelector selector = new X509CertSelector();
        selector.setSerialNumber(serialNumber);
        return client.getCertificate(device.certificate, device.key, serialNumber).getCertificates(selector)
            .stream().findFirst().orElseThrow();
    }

    private static X509CRL revocationList(Client client, Path folder) throws Exception {
        Identity device = device(folder);
        X509CRL list = client.getRevocationList(device.certificate, device.key,
            device.certificate.getIssuerX500Principal(), device.certificate.getSerialNumber());
        if (list == null) {
            throw new IOException("SUCCESS without a CRL");
        }
        return list;
    }

    private static String capabilities(Client client) {
        Capabilities capabilities = client.getCaCapabilities();
        StringBuilder lines = new StringBuilder();
        Stream.of(Capability.values()).filter(capabilities::contains)
            .forEach(capability -> lines.append(capability).append('\n'));
        return lines.toString();
    }

    private static KeyPair generateKeys() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        return generator.generateKeyPair();
    }

    private static PKCS10CertificationRequestBuilder request(X500Principal subject, Extension names, KeyPair keys) {
        return new JcaPKCS10CertificationRequestBuilder(subject, keys.getPublic())
            .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, new Extensions(names));
    }

    private static ContentSigner signer(PrivateKey key) throws OperatorCreationException {
        return new JcaContentSignerBuilder("SHA256withRSA").build(key);
    }

    private static X509Certificate send(Client client, PKCS10CertificationRequestBuilder request, PrivateKey key,
            Identity identity, Path folder) throws Exception {
        Files.createDirectories(folder);
        writeKey(folder.resolve("key.pem"), key);
        // A poll is signed like its request: with the old key if that was a renewal.
        writeKey(folder.resolve("identity-key.pem"), identity.key);
        Files.writeString(folder.resolve("identity.pem"), pem(identity.certificate));
        return issued(client.enrol(identity.certificate, identity.key, request.build(signer(key))), folder);
    }

    private static X509Certificate issued(EnrollmentResponse response, Path folder) throws Exception {
        TransactionId transaction = response.getTransactionId();
        Files.writeString(folder.resolve("transaction.txt"), transaction + "\n");
        if (response.isFailure()) {
            throw new OperationFailureException(response.getFailInfo());
        }
        if (response.isPending()) {
            throw new PendingException(transaction.toString());
        }
        for (Certificate certificate : response.getCertStore().getCertificates(null)) {
            // The reply may contain a chain; jscep's transactionID is the fingerprint of the requested key.
            if (TransactionId.createTransactionId(certificate.getPublicKey(), "SHA-1").equals(transaction)) {
                Files.writeString(folder.resolve("device.crt"), pem(certificate));
                return (X509Certificate) certificate;
            }
        }
        throw new IOException("SUCCESS without a certificate of the key");
    }

    private static Identity device(Path folder) throws Exception {
        return read(folder, "key.pem", "device.crt");
    }

    private static Identity read(Path folder, String key, String certificate) throws Exception {
        PrivateKeyInfo keyInfo = (PrivateKeyInfo) readPem(folder.resolve(key));
        X509CertificateHolder holder = (X509CertificateHolder) readPem(folder.resolve(certificate));
        return new Identity(new JcaPEMKeyConverter().getPrivateKey(keyInfo),
            new JcaX509CertificateConverter().getCertificate(holder));
    }

    private static Object readPem(Path file) throws IOException {
        try (PEMParser parser = new PEMParser(Files.newBufferedReader(file))) {
            return parser.readObject();
        }
    }

    private static void writeKey(Path file, PrivateKey key) throws IOException {
        Files.writeString(file, pem(new JcaPKCS8Generator(key, null)));
    }

    private static String pem(Object object) throws IOException {
        return pem(List.of(object));
    }

    private static String pem(Collection<?> objects) throws IOException {
        StringWriter text = new StringWriter();
        try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
            for (Object object : objects) {
                writer.writeObject(object);
            }
        }
        return text.toString();
    }

    /** The key and certificate that sign a request and decrypt the reply. */
    private record Identity(PrivateKey key, X509Certificate certificate) {}

    private static class PendingException extends Exception {
        PendingException(String transactionId) {
            super(transactionId);
        }
    }
}
